"""Claims: the right verdict both ways, at the edge, and with runs missing or diverged."""

import math

import pandas as pd
import pytest

from radexp.analysis.claims import CLAIMS, judge, judge_all
from radexp.errors import UsageError


@pytest.mark.parametrize("claim", ["C3", "C6", "C7"])
def test_claims_hold_where_they_should(tables, five_arms, claim):
    verdict = judge(claim, *tables(five_arms))
    assert verdict.verdict == "reproduced"
    assert verdict.interval.high < 0
    assert verdict.n == 3
    assert "(n=3)" in verdict.sentence


@pytest.mark.parametrize(("claim", "loser"), [("C3", "rad"), ("C6", "rad"), ("C7", "exact")])
def test_claims_fail_where_the_favoured_arm_is_worse(tables, five_arms, claim, loser):
    five_arms[loser] = [0.9, 0.95, 0.99]
    verdict = judge(claim, *tables(five_arms))
    assert verdict.verdict == "not reproduced"
    assert verdict.interval.low > 0


@pytest.mark.parametrize("spread", [1.5, 4.0])
def test_an_interval_across_zero_is_inconclusive(tables, five_arms, spread):
    first, *rest = five_arms["small_batch"]
    five_arms["rad"] = [first / spread, *rest]
    assert judge("C3", *tables(five_arms)).verdict == "inconclusive"


def test_an_interval_that_ends_at_zero_is_inconclusive(tables, five_arms):
    five_arms["rad"] = five_arms["small_batch"]
    verdict = judge("C3", *tables(five_arms))
    assert (verdict.interval.low, verdict.interval.high) == (0.0, 0.0)
    assert verdict.verdict == "inconclusive"


def test_exact_is_best_only_if_it_beats_every_arm(tables, five_arms):
    five_arms["rad_project"] = [0.005, 0.011, 0.03]
    verdict = judge("C7", *tables(five_arms))
    assert verdict.verdict == "inconclusive"
    assert [c.other for c in verdict.comparisons if c.verdict != "reproduced"] == ["rad_project"]


def test_exact_is_compared_with_unpublished_arms_too(tables, five_arms):
    five_arms["rounding"] = [0.001, 0.0011, 0.0013]
    assert judge("C7", *tables(five_arms)).verdict == "not reproduced"


def test_one_seed_decides_nothing(tables, five_arms):
    verdict = judge("C3", *tables({arm: losses[:1] for arm, losses in five_arms.items()}))
    assert verdict.verdict == "inconclusive"
    assert "[undefined] (n=1)" in verdict.sentence


def test_a_diverged_favoured_run_is_a_failure(tables, five_arms):
    verdict = judge("C3", *tables(five_arms, {("rad", 2): "diverged"}))
    assert verdict.verdict == "not reproduced"
    assert verdict.interval.mean == math.inf
    assert "n=3, diverged" in verdict.sentence


def test_one_diverged_run_of_the_other_arm_leaves_no_interval(tables, five_arms):
    verdict = judge("C3", *tables(five_arms, {("small_batch", 2): "diverged"}))
    assert verdict.verdict == "inconclusive"
    assert verdict.interval.mean == -math.inf


def test_an_arm_that_always_diverges_is_beaten(tables, five_arms):
    lost = {("small_batch", seed): "diverged" for seed in range(3)}
    assert judge("C3", *tables(five_arms, lost)).verdict == "reproduced"


@pytest.mark.parametrize(("claim", "arm"), [("C3", "small_batch"), ("C6", "rad"), ("C7", "exact")])
def test_an_absent_arm_is_named(tables, five_arms, claim, arm):
    del five_arms[arm]
    verdict = judge(claim, *tables(five_arms))
    assert verdict.verdict == "inconclusive"
    assert verdict.sentence == f"no runs of {arm}."
    assert verdict.n == 0


def test_a_missing_seed_is_an_error(tables, five_arms):
    five_arms["rad"].pop()
    with pytest.raises(UsageError, match="seed 2 of rad: 0 runs to judge"):
        judge("C3", *tables(five_arms))


@pytest.mark.parametrize(("factor", "outcome"), [(1.009, "reproduced"), (1.02, "inconclusive")])
def test_more_memory_is_not_the_same_memory(tables, five_arms, factor, outcome):
    runs, curves = tables(five_arms)
    total = runs["parameter_bytes"] + runs["measured_saved_bytes"]
    more = total * factor - runs["parameter_bytes"]
    runs.loc[runs["arm"] == "rad", "measured_saved_bytes"] = more[runs["arm"] == "rad"]
    verdict = judge("C3", runs, curves)
    assert verdict.verdict == outcome
    assert ("more than 1% above" in verdict.sentence) is (outcome == "inconclusive")


@pytest.mark.parametrize(
    ("changes", "quick"),
    [
        ({}, False),
        ({"data": "digits"}, True),
        ({"iterations": 19_999}, True),
        ({"data": "cifar10", "iterations": 100_000}, True),
        ({"data": "sequential_mnist", "iterations": 200_000}, True),
    ],
)
def test_the_title_says_what_is_not_the_published_protocol(tables, five_arms, changes, quick):
    verdict = judge("C3", *tables(five_arms, **changes))
    assert verdict.title.count("(at quick scale: ") == quick


def test_judge_all_reports_what_it_cannot_judge(tables, five_arms):
    five_arms["rad_shared"].pop()
    verdicts, problems = judge_all(*tables(five_arms))
    assert [verdict.claim for verdict in verdicts] == ["C3"]
    assert [problem[:2] for problem in problems] == ["C6", "C7"]
    assert all("seed 2 of rad_shared" in problem for problem in problems)


def test_judge_all_judges_each_setting_and_no_other_model(tables, five_arms):
    one, curves = tables(five_arms)
    other, _ = tables(five_arms, data="digits")
    foreign, _ = tables(five_arms, model="other")
    verdicts, problems = judge_all(pd.concat([one, other, foreign], ignore_index=True), curves)
    assert problems == []
    assert len(verdicts) == 2 * len([claim for claim in CLAIMS if claim.model == "mlp"])


def test_unknown_claims_and_mixed_settings_are_refused(tables, five_arms):
    runs, curves = tables(five_arms)
    with pytest.raises(UsageError, match=r"claim 'C99': allowed is C3, C4, C5, C6, C7, C8"):
        judge("C99", runs, curves)
    mixed = pd.concat([runs, runs.assign(data="digits")], ignore_index=True)
    with pytest.raises(UsageError, match="runs of 2 settings: allowed is one"):
        judge("C3", mixed, curves)
    with pytest.raises(UsageError, match=r"claim 'C4' on runs of mlp: allowed is cnn; give runs"):
        judge("C4", runs, curves)


def test_each_claim_speaks_once_of_a_model():
    spoken = [(claim.id, claim.model) for claim in CLAIMS]
    assert len(spoken) == len(set(spoken))
    assert [id_ for id_, model in spoken if model == "cnn"] == ["C4", "C6", "C7"]
    assert [id_ for id_, model in spoken if model == "rnn"] == ["C5", "C7"]
