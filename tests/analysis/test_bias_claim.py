"""C1 on made-up scores: right both ways, at the edge, with controls uncaught and rows missing."""

import math
from itertools import product

import pandas as pd
import pytest

from radexp.analysis.bias_claim import ESTIMATORS, FALSE_ALARM, MODELS, judge_bias, thresholds
from radexp.errors import UsageError

ENTRIES = 1000
SLOPE, ENTRY = thresholds(len(MODELS) * len(ESTIMATORS), ENTRIES)
AT = {"model": "cnn", "estimator": "rad_shared"}


def build():
    """Return scores of unbiased estimators and of their planted bias, all caught."""
    rows = []
    for model, name, factor in product(MODELS, ESTIMATORS, (1.0, 1.03)):
        rows.append(
            {
                **{"model": model, "data": "digits", "estimator": name, "keep": 0.3},
                **{"factor": factor, "draws": 3000, "entries": ENTRIES, "slope": factor},
                **{"z_slope": 7.0 if factor > 1 else -0.5, "z_entry": 3.0},
            }
        )
    return pd.DataFrame(rows)


def put(rows, factor, **numbers):
    """Return rows with other numbers of one estimator on one network."""
    chosen = rows["factor"] == factor
    for key, value in AT.items():
        chosen &= rows[key] == value
    assert chosen.sum() == 1
    changed = rows.copy()
    for key, value in numbers.items():
        changed.loc[chosen, key] = value
    return changed


def judged(rows):
    (verdict,) = judge_bias(rows)
    return verdict


def test_unbiased_estimators_whose_controls_are_caught():
    verdict = judged(build())
    assert (verdict.claim, verdict.verdict, verdict.n) == ("C1", "reproduced", 9)
    assert "none of 9 estimators on a network is beyond its threshold" in verdict.sentence
    assert verdict.sentence.endswith("the planted bias of 3% is caught in each.")
    assert verdict.setting.endswith("rnn on digits; 3000 draws of each estimator")


def test_the_family_has_one_false_alarm_rate():
    # Normal scores: two-sided tails over 9 slopes and 9 times 1000 entries.
    tails = [9 * count * math.erfc(z / math.sqrt(2)) for z, count in ((SLOPE, 1), (ENTRY, ENTRIES))]
    assert tails == pytest.approx([FALSE_ALARM / 2] * 2)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_slope_at_its_threshold_decides(sign):
    assert judged(put(build(), 1.0, z_slope=sign * 0.99 * SLOPE)).verdict == "reproduced"
    verdict = judged(put(build(), 1.0, z_slope=sign * 1.01 * SLOPE))
    assert verdict.verdict == "not reproduced"
    assert verdict.sentence.startswith("beyond the threshold: cnn on digits rad_shared at 0.3 (")


def test_an_entry_at_its_threshold_decides():
    assert judged(put(build(), 1.0, z_entry=0.99 * ENTRY)).verdict == "reproduced"
    assert judged(put(build(), 1.0, z_entry=1.01 * ENTRY)).verdict == "not reproduced"
    assert judged(put(build(), 1.0, z_entry=1.01 * ENTRY, entries=10**6)).verdict == "reproduced"
    assert judged(put(build(), 1.0, z_entry=math.inf)).verdict == "not reproduced"


def test_a_planted_bias_that_is_not_caught_is_inconclusive():
    verdict = judged(put(build(), 1.03, z_slope=0.9 * SLOPE))
    assert verdict.verdict == "inconclusive"
    assert "the test could not have seen a bias of 3%: not caught where" in verdict.sentence
    assert "cnn on digits rad_shared at 0.3" in verdict.sentence
    by_entry = put(build(), 1.03, z_slope=0.9 * SLOPE, z_entry=1.1 * ENTRY)
    assert judged(by_entry).verdict == "reproduced"


def test_a_bias_that_hides_its_control_is_a_bias():
    hidden = put(put(build(), 1.0, z_slope=-8.0), 1.03, z_slope=-0.5)
    verdict = judged(hidden)
    assert verdict.verdict == "not reproduced"
    assert "could not have seen" in verdict.sentence


def test_missing_rows_are_named():
    rows = build()
    chosen = (rows["model"] == "cnn") & (rows["estimator"] == "rad_shared")
    verdict = judged(rows[~chosen])
    assert (verdict.verdict, verdict.n) == ("inconclusive", 8)
    assert verdict.sentence.endswith("no rows of cnn rad_shared.")
    without_control = judged(rows[~chosen | (rows["factor"] == 1)])
    assert without_control.verdict == "inconclusive"
    assert "no planted bias in cnn on digits rad_shared at 0.3." in without_control.sentence
    biased = put(rows, 1.0, z_slope=9.0)
    assert judged(biased[biased["model"] == "cnn"]).verdict == "not reproduced"


def test_nothing_tested():
    verdict = judged(build()[:0])
    assert (verdict.verdict, verdict.n) == ("inconclusive", 0)
    assert verdict.sentence.startswith("no rows of mlp rad; ")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.drop(columns="z_entry"), r"bias rows without z_entry: allowed is the c"),
        (lambda rows: put(rows, 1.0, z_slope=math.nan), r"bias rows with empty cells: allowed is"),
        (lambda rows: pd.concat([rows, rows[:1]]), r"bias rows with one test twice: allowed is o"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(spoil, message):
    with pytest.raises(UsageError, match=message):
        judge_bias(spoil(build()))
