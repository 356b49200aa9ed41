"""C9 and C10 on made-up rows: right both ways, at the edges, and with rows missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radexp.analysis.depth_claims import MARGIN, judge_depth, trends
from radexp.analysis.depth_rates import CURVES
from radexp.errors import UsageError

ROWS = Path(__file__).resolve().parents[2] / "results/variance_depth/depth.csv"
ARMS = {
    ("graphs", "independent"): ("edges", 32, (8, 16)),
    ("graphs", "interleaved"): ("edges", 32, (8, 16)),
    ("networks", "inputs"): ("rad", 256, (26, 128)),
    ("networks", "everywhere"): ("rad", 256, (26, 128)),
}
DEPTH = np.arange(1.0, 7.0)


def build(tilts=None, seeds=4, noise=0.02, only=None):
    """Return rows on the derived curves, times noise and ``exp(tilt * depth)`` in chosen arms."""
    rng, parts = np.random.default_rng(0), []
    for (study, arm), (sketch, width, counts) in ARMS.items():
        for kept in counts:
            for seed in range(seeds):
                tilt = (tilts or {}).get(arm, 0.0)
                errors = noise * rng.normal(size=len(DEPTH))
                common = {"study": study, "arm": arm, "sketch": sketch, "width": width}
                values = CURVES[arm](DEPTH, width, kept) * np.exp(tilt * DEPTH + errors)
                table = {**common, "kept": kept, "depth": DEPTH, "seed": seed, "variance": values}
                parts.append(pd.DataFrame(table))
    rows = pd.concat(parts, ignore_index=True)
    return rows if only is None else rows[rows["arm"].isin(only)]


def outcomes(rows):
    return {verdict.claim: verdict.verdict for verdict in judge_depth(rows)}


def test_rows_on_the_derived_curves_are_reproduced():
    verdicts = judge_depth(build())
    assert [(v.claim, v.verdict, v.n) for v in verdicts] == [
        ("C9", "reproduced", 4),
        ("C10", "reproduced", 4),
    ]
    assert "independent edges at 0.25: " in verdicts[0].sentence
    assert "(derived 1.4" in verdicts[0].sentence
    assert verdicts[1].setting == "networks, n=4 seeds"


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("arm", "claim"),
    [("independent", "C9"), ("interleaved", "C9"), ("inputs", "C10"), ("everywhere", "C10")],
)
def test_a_slope_beyond_the_margin_is_not_reproduced_and_concerns_its_claim_alone(arm, claim, sign):
    found = outcomes(build({arm: sign * (MARGIN + 0.1)}))
    assert found.pop(claim) == "not reproduced"
    assert list(found.values()) == ["reproduced"]


@pytest.mark.parametrize("arm", ["independent", "interleaved"])
def test_a_slope_within_the_margin_is_reproduced_and_one_across_it_inconclusive(arm):
    assert outcomes(build({arm: 0.5 * MARGIN}))["C9"] == "reproduced"
    assert outcomes(build({arm: MARGIN}, noise=0.05))["C9"] == "inconclusive"


def test_noise_that_covers_the_margin_is_inconclusive():
    assert set(outcomes(build(noise=2.0, seeds=3)).values()) == {"inconclusive"}


def test_variance_that_does_not_grow_where_it_should_is_not_reproduced():
    rows = build()
    flat = rows["arm"] == "everywhere"
    rows.loc[flat, "variance"] = 2.0 + 0.01 * rows.loc[flat, "seed"]
    verdict = judge_depth(rows)[1]
    assert verdict.verdict == "not reproduced"
    assert verdict.interval.mean == pytest.approx(0)


def test_one_seed_decides_nothing():
    assert set(outcomes(build(seeds=1)).values()) == {"inconclusive"}


def test_an_arm_that_is_missing_is_named():
    first, second = judge_depth(build(only=["independent"]))
    assert (first.verdict, second.verdict) == ("inconclusive", "inconclusive")
    assert first.sentence.endswith("no rows of interleaved.")
    assert second.sentence == "no rows of inputs, everywhere."
    failing = judge_depth(build({"independent": 1.0}, only=["independent"]))[0]
    assert failing.verdict == "not reproduced"


def test_the_slope_of_every_line_has_its_interval_and_the_derived_one():
    found = {(line.arm, line.fraction): line for line in trends(build())}
    assert len(found) == 8
    for line in found.values():
        assert (
            line.slope.low < line.derived < line.slope.high
            or abs(line.slope.mean - line.derived) < 0.02
        )
    assert found["interleaved", 0.25].derived > found["interleaved", 0.5].derived > 0.5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda rows: rows.drop(index=0),
            r"independent edges 8/32: 23 rows: allowed is every",
        ),
        (lambda rows: pd.concat([rows, rows[:1]]), "25 rows: allowed is every seed once at every"),
        (lambda rows: rows[rows["depth"] == 1], "4 rows: .* two depths at least; run the study"),
        (lambda rows: rows.assign(variance=0.0), "a variance: allowed is a finite number above 0"),
        (lambda rows: rows.assign(variance=np.inf), "a variance: allowed is a finite number"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(spoil, message):
    with pytest.raises(UsageError, match=message):
        judge_depth(spoil(build()))
    assert outcomes(build())["C9"] == "reproduced"


def test_the_committed_rows_are_judged_alone():
    rows = pd.read_csv(ROWS)
    rows = rows[rows["study"].isin(["graphs", "networks"])]
    assert set(map(tuple, rows[["study", "arm"]].drop_duplicates().to_numpy())) == set(ARMS)
    assert outcomes(rows) == {"C9": "reproduced", "C10": "reproduced"}
    assert rows.groupby(["arm", "sketch", "kept"])["seed"].nunique().min() >= 20
    assert set(rows["depth"]) == set(range(1, 13))
