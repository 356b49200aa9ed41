"""The slowdown: iterations to a target of the reference's own, at the edge and where unreached."""

import math

import pandas as pd
import pytest

from radexp.analysis.claims import judge
from radexp.analysis.slowdown import MARGIN, PART_OF_WAY, compare_slowdown
from radexp.errors import UsageError

LENGTH = 1000
ARMS = {
    "rad keep=1": (1.0, 100e6),
    "rad keep=0.1": (0.1, 20e6),
    "rad keep=0.005": (0.005, 1e6),
    "rad keep=0.001": (0.001, 0.2e6),
    "checkpoint": (math.nan, 0.9e6),
}


def iterations_needed(rate):
    """Return when a loss of exp(-rate k / LENGTH), k = 1, 2, ..., is at most exp(-PART_OF_WAY)."""
    first, last = 1 / LENGTH, 1.0
    target = first + PART_OF_WAY * (last - first)
    return math.ceil(target * LENGTH / rate)


def tables(rates, status=None):
    """Return runs and curves: each arm's loss falls as exp(-rate k / LENGTH) for each seed."""
    runs, curves = [], []
    for label, of_seeds in rates.items():
        keep, size = ARMS[label]
        for seed, rate in enumerate(of_seeds):
            run = f"study/{label}-{seed}"
            runs.append(
                {
                    **{"run": run, "study": "study", "preset": "paper", "model": "reactor"},
                    "sizes": "33x33, 40961 steps to 10, D 0.25",
                    **{"data": "none", "iterations": 800, "budget": ""},
                    **{
                        "keep": keep,
                        "bits": math.nan,
                        "micro_batch": math.nan,
                        "batch_size": 1.0,
                        "settings": "",
                        "lr": 1e-2,
                    },
                    **{"weight_decay": 0.0, "parameter_bytes": 28.0, "seed": seed},
                    **{"measured_saved_bytes": size, "step_seconds": 0.1, "arm": label.split()[0]},
                    **{"label": label, "status": (status or {}).get((label, seed), "completed")},
                }
            )
            curves += [
                {
                    **{"run": run, "iteration": k, "split": "batch", "examples_seen": k},
                    **{"train_seconds": k / 10, "accuracy": math.nan},
                    "loss": math.exp(-rate * k / LENGTH),
                }
                for k in range(1, LENGTH + 1)
            ]
    return pd.DataFrame(runs), pd.DataFrame(curves)


def test_slowdown_is_the_ratio_of_iterations():
    given = tables({"rad keep=1": [1, 1, 1], "rad keep=0.005": [1, 0.98, 0.96]})
    comparison = compare_slowdown(*given, "rad keep=0.005", "rad keep=1")
    ratios = [iterations_needed(rate) / iterations_needed(1) for rate in (1, 0.98, 0.96)]
    mean = sum(map(math.log, ratios)) / 3
    assert comparison.secondary["log slowdown"].mean == pytest.approx(mean, rel=1e-12)
    assert comparison.deciding.mean == pytest.approx(mean - MARGIN, rel=1e-12)
    assert comparison.verdict == "reproduced"


def test_a_target_that_is_never_reached_is_infinitely_late():
    given = tables({"rad keep=1": [1, 1, 1], "rad keep=0.005": [1, 0.98, 0.5]})
    comparison = compare_slowdown(*given, "rad keep=0.005", "rad keep=1")
    assert comparison.deciding.mean == math.inf
    assert comparison.verdict == "not reproduced"


def test_a_missing_seed_is_refused():
    runs, curves = tables({"rad keep=1": [1, 1], "rad keep=0.005": [1, 1]})
    with pytest.raises(UsageError, match=r"seed 1 of rad keep=0\.005: 0 runs to judge; allowed is"):
        compare_slowdown(runs.iloc[:-1], curves, "rad keep=0.005", "rad keep=1")
    silent = curves[curves["run"] != runs["run"].iloc[-1]]
    with pytest.raises(UsageError, match="with rows of its batches; run it to its end"):
        compare_slowdown(runs, silent, "rad keep=0.005", "rad keep=1")


def claim(status=None, **changed):
    """Judge C8 where every arm is as fast as the exact one, but for those changed."""
    rates = {label: [1.0, 1.0, 1.0] for label in ARMS} | changed.pop("rates", {})
    runs, curves = tables(rates, status)
    return judge("C8", runs.drop(columns="label"), curves)


def test_c8_holds_where_the_largest_arm_that_saves_99_percent_is_as_fast():
    verdict = claim(rates={"rad keep=0.001": [0.5] * 3})
    assert (verdict.claim, verdict.verdict, verdict.n) == ("C8", "reproduced", 3)
    assert "rad keep=0.005 minus rad keep=1" in verdict.sentence
    assert "it saves 99.0% of 100 MB and takes 1 times the iterations" in verdict.sentence
    assert "Checkpointing is exact at 0.9 MB and 0.1 s a step" in verdict.sentence
    assert "beside it rad keep=0.001 0.2 MB and 1.00 of its time" in verdict.sentence
    assert "rad keep=1 100" not in verdict.sentence
    assert [c.favoured for c in verdict.comparisons] == ["rad keep=0.005", "rad keep=0.001"]
    assert "paper" not in verdict.title  # 800 iterations are the published protocol


@pytest.mark.parametrize(
    ("rates", "outcome"),
    [
        ([1.0, 1.0, 1.0], "reproduced"),
        ([1.25, 1.2, 1.22], "reproduced"),
        ([0.97, 0.96, 0.97], "reproduced"),
        ([0.96, 1.8, 0.97], "inconclusive"),
        ([0.5, 1.0, 1.0], "not reproduced"),
    ],
)
def test_c8_is_decided_by_the_slowdown(rates, outcome):
    assert claim(rates={"rad keep=0.005": rates}).verdict == outcome


def test_c8_needs_an_exact_arm_and_one_that_saves_as_much():
    runs, curves = tables({"rad keep=0.1": [1, 1], "checkpoint": [1, 1]})
    verdict = judge("C8", runs.drop(columns="label"), curves)
    assert (verdict.verdict, verdict.n) == ("inconclusive", 0)
    assert "no runs of the exact gradient" in verdict.sentence
    runs, curves = tables({"rad keep=0.1": [1, 1], "rad keep=1": [1, 1]})
    verdict = judge("C8", runs.drop(columns="label"), curves)
    assert verdict.verdict == "inconclusive"
    assert "no rad arm saves as much" in verdict.sentence


def test_a_diverged_run_is_a_target_not_reached():
    verdict = claim(
        status={("rad keep=0.005", 1): "diverged"}, rates={"rad keep=0.005": [1, 0.1, 1]}
    )
    assert verdict.verdict == "not reproduced"
