"""C11 on made-up rows: right both ways, at the edge, and with points of training missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radexp.analysis.noise_claims import LEVEL, judge_noise
from radexp.errors import UsageError

COMMITTED = Path(__file__).resolve().parents[2] / "results/gradient_noise/mlp/noise.csv"


def build(factors, level=LEVEL, noise=0.1, repetitions=40, model="mlp"):
    """Return rows of rad and small_batch; ``factors`` has the ratio by point of training."""
    rng, rows = np.random.default_rng(0), []
    for iteration, factor in factors.items():
        errors = rng.uniform(1 - noise, 1 + noise, repetitions)
        for name, totals in (("rad", factor * errors), ("small_batch", errors[::-1])):
            rows += [
                {
                    **{"model": model, "data": "digits", "iteration": iteration},
                    **{"arm": f"{name}, {level}", "estimator": name, "level": level},
                    **{"layer": layer, "repetition": repetition, "total": total / 2},
                }
                for repetition, total in enumerate(totals)
                for layer in ("0", "2")
            ]
    return pd.DataFrame(rows)


def judged(rows):
    (verdict,) = judge_noise(rows)
    return verdict


@pytest.mark.parametrize(
    ("factors", "outcome"),
    [
        ((0.5, 0.5, 0.5), "reproduced"),
        ((0.95, 0.95, 0.9), "reproduced"),
        ((0.5, 1.0, 0.5), "inconclusive"),
        ((1.0, 1.0, 1.0), "inconclusive"),
        ((0.5, 0.5, 1.1), "not reproduced"),
        ((1.5, 1.0, 0.5), "not reproduced"),
    ],
)
def test_every_point_of_training_counts(factors, outcome):
    verdict = judged(build(dict(zip((0, 500, 5000), factors, strict=True))))
    assert (verdict.claim, verdict.verdict, verdict.n) == ("C11", outcome, 40)
    assert verdict.interval.mean == pytest.approx(max(factors))
    for part in ("after 0 iterations ", "after 500 iterations ", "after 5000 iterations "):
        assert part in verdict.sentence


def test_noise_that_covers_the_ratio_is_inconclusive():
    assert judged(build({0: 0.9}, noise=0.9, repetitions=5)).verdict == "inconclusive"


def test_one_repetition_decides_nothing():
    verdict = judged(build({0: 0.5, 500: 2.0}, repetitions=1))
    assert verdict.verdict == "inconclusive"
    assert "[undefined]" in verdict.sentence


def test_other_levels_decide_nothing():
    rows = pd.concat([build({0: 0.5}), build({0: 2.0}, level=0.3), build({0: 2.0}, level=np.nan)])
    assert judged(rows).verdict == "reproduced"


@pytest.mark.parametrize("gone", ["rad", "small_batch"])
def test_a_point_without_a_pair_is_named(gone):
    def without(rows):
        return rows[(rows["estimator"] != gone) | (rows["iteration"] != 500)]

    verdict = judged(without(build({0: 0.5, 500: 0.5})))
    assert verdict.verdict == "inconclusive"
    assert verdict.sentence.endswith("no pair of rad and small_batch at 0.1 after 500 iterations.")
    assert judged(without(build({0: 2.0, 500: 0.5}))).verdict == "not reproduced"


def test_without_the_level_there_is_nothing_to_judge():
    verdict = judged(build({0: 0.5}, level=0.3))
    assert (verdict.verdict, verdict.n) == ("inconclusive", 0)
    assert verdict.sentence == "no pair of rad and small_batch at 0.1 after 0 iterations."


def test_networks_are_judged_one_by_one():
    rows = pd.concat([build({0: 0.5}), build({0: 2.0, 100: 0.5}, model="cnn")])
    found = {verdict.title.rpartition(" ")[2]: verdict.verdict for verdict in judge_noise(rows)}
    assert found == {"mlp": "reproduced", "cnn": "not reproduced"}


def test_rows_without_a_column_are_refused():
    with pytest.raises(UsageError, match=r"noise rows without total: allowed is the columns of n"):
        judge_noise(build({0: 0.5}).drop(columns="total"))


def test_the_committed_rows_are_judged_alone():
    verdict = judged(pd.read_csv(COMMITTED))
    assert (verdict.verdict, verdict.n) == ("not reproduced", 150)
    assert "after 0 iterations 1.19 [1.14, 1.23]" in verdict.sentence
