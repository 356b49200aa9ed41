"""C4 to C7 of the convolutional and the recurrent network: both ways, at the edge, with gaps."""

import math

import numpy as np
import pytest

from radexp.analysis.claims import judge, judge_all
from radexp.analysis.comparison import TO_TARGET
from radexp.analysis.training_claims import MARGIN
from radexp.errors import UsageError

CNN = {"model": "cnn", "data": "cifar10", "iterations": 100_000}
CNN["sizes"] = "16-32-32-32, kernel 5, average"
RNN = {"model": "rnn", "data": "sequential_mnist", "iterations": 200_000, "sizes": "100"}


def shifted(losses, by, spread=0.0):
    """Return losses whose logs are ``by`` higher on average, with a spread over the seeds."""
    ends = np.linspace(-spread, spread, len(losses))
    return [loss * math.exp(by + end) for loss, end in zip(losses, ends, strict=True)]


@pytest.fixture
def cnn_arms(five_arms):
    """Return losses by which every claim about the convolutional network holds."""
    return {**five_arms, "rad_shared": shifted(five_arms["rad"], 0.01, 0.005)}


@pytest.fixture
def rnn_arms(five_arms):
    """Return the recurrent network's arms: RAD is a little worse than the small batch."""
    del five_arms["rad_project"]
    return {**five_arms, "rad": shifted(five_arms["small_batch"], 0.02, 0.005)}


def test_every_claim_holds_where_it_should(tables, cnn_arms, rnn_arms):
    for arms, common in ((cnn_arms, CNN), (rnn_arms, RNN)):
        verdicts, problems = judge_all(*tables(arms, **common))
        assert problems == []
        assert {verdict.verdict for verdict in verdicts} == {"reproduced"}
        assert {verdict.n for verdict in verdicts} == {3}
        assert not any(" scale: " in verdict.title for verdict in verdicts)


@pytest.mark.parametrize("loser", ["rad", "rad_shared"])
def test_c4_needs_both_arms_to_win(tables, cnn_arms, loser):
    cnn_arms[loser] = shifted(cnn_arms["small_batch"], 0.1, 0.01)
    verdict = judge("C4", *tables(cnn_arms, **CNN))
    assert verdict.verdict == "not reproduced"
    assert verdict.interval.low > 0  # of the arm that loses
    assert [c.favoured for c in verdict.comparisons] == ["rad", "rad_shared"]


@pytest.mark.parametrize("unsure", ["rad", "rad_shared"])
def test_c4_is_inconclusive_where_one_arm_is(tables, cnn_arms, unsure):
    cnn_arms[unsure] = shifted(cnn_arms["small_batch"], 0.0, 0.1)
    verdict = judge("C4", *tables(cnn_arms, **CNN))
    assert verdict.verdict == "inconclusive"
    assert verdict.sentence.count("(n=3)") == 2
    assert "; rad memory 1.5 MB against 1.5 MB; rad_shared memory 1.5 MB" in verdict.sentence


def test_c4_with_a_diverged_run(tables, cnn_arms):
    verdict = judge("C4", *tables(cnn_arms, {("rad_shared", 1): "diverged"}, **CNN))
    assert verdict.verdict == "not reproduced"
    assert "(n=3, diverged)" in verdict.sentence


@pytest.mark.parametrize(
    ("claim", "arms", "common", "heavy", "words"),
    [
        ("C4", "cnn_arms", CNN, "rad_shared", "more than 1% above"),
        ("C5", "rnn_arms", RNN, "rad", "more than 1% above"),
        ("C6", "cnn_arms", CNN, "rad", "more than 1% apart"),
        ("C6", "cnn_arms", CNN, "rad_shared", "more than 1% apart"),
    ],
)
def test_more_memory_decides_nothing(tables, request, claim, arms, common, heavy, words):
    runs, curves = tables(request.getfixturevalue(arms), **common)
    runs.loc[runs["arm"] == heavy, "measured_saved_bytes"] += 0.009 * 1.5e6
    assert judge(claim, runs, curves).verdict == "reproduced"
    runs.loc[runs["arm"] == heavy, "measured_saved_bytes"] += 0.002 * 1.5e6
    verdict = judge(claim, runs, curves)
    assert verdict.verdict == "inconclusive"
    assert words in verdict.sentence


def test_c4_an_arm_at_more_memory_does_not_hide_one_that_loses(tables, cnn_arms):
    cnn_arms["rad"] = shifted(cnn_arms["small_batch"], 0.1, 0.01)
    runs, curves = tables(cnn_arms, **CNN)
    runs.loc[runs["arm"] == "rad_shared", "measured_saved_bytes"] *= 2
    assert judge("C4", runs, curves).verdict == "not reproduced"


@pytest.mark.parametrize(
    ("by", "spread", "outcome", "even"),
    [
        (-0.2, 0.01, "reproduced", True),
        (0.0, 0.01, "reproduced", False),
        (0.8 * MARGIN, 0.001, "reproduced", False),
        (MARGIN, 0.001, "inconclusive", False),
        (0.0, 0.1, "inconclusive", False),
        (1.2 * MARGIN, 0.001, "not reproduced", False),
    ],
)
def test_c5_is_non_inferiority(tables, rnn_arms, by, spread, outcome, even):
    rnn_arms["rad"] = shifted(rnn_arms["small_batch"], by, spread)
    verdict = judge("C5", *tables(rnn_arms, **RNN))
    assert verdict.verdict == outcome
    assert f"margin {MARGIN}" in verdict.sentence
    assert ("rad is even better" in verdict.sentence) is even


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [
        ([("rad", 0)], "not reproduced"),
        ([("small_batch", 0)], "inconclusive"),
        ([("small_batch", seed) for seed in range(3)], "reproduced"),
    ],
)
def test_c5_with_diverged_runs(tables, rnn_arms, lost, outcome):
    status = dict.fromkeys(lost, "diverged")
    assert judge("C5", *tables(rnn_arms, status, **RNN)).verdict == outcome


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("by", "spread", "outcome"),
    [
        (0.0, 0.01, "reproduced"),
        (0.8 * MARGIN, 0.001, "reproduced"),  # a difference, but one that does not matter
        (MARGIN, 0.001, "inconclusive"),
        (0.0, 0.1, "inconclusive"),
        (1.2 * MARGIN, 0.001, "not reproduced"),
    ],
)
def test_c6_of_tied_weights_is_equivalence(tables, cnn_arms, sign, by, spread, outcome):
    cnn_arms["rad"] = shifted(cnn_arms["rad_shared"], sign * by, spread)
    verdict = judge("C6", *tables(cnn_arms, **CNN))
    assert verdict.verdict == outcome
    assert f"margin +-{MARGIN}" in verdict.sentence
    assert verdict.title.startswith("Second half")


@pytest.mark.parametrize("arm", ["rad", "rad_shared"])
def test_c6_of_tied_weights_favours_no_arm_where_runs_diverge(tables, cnn_arms, arm):
    def outcome(lost):
        return judge("C6", *tables(cnn_arms, dict.fromkeys(lost, "diverged"), **CNN)).verdict

    assert outcome([(arm, 0)]) == "inconclusive"
    assert outcome([(arm, seed) for seed in range(3)]) == "not reproduced"
    assert outcome([("rad", 0), ("rad_shared", 0)]) == "inconclusive"


@pytest.mark.parametrize(("arms", "common"), [("cnn_arms", CNN), ("rnn_arms", RNN)])
def test_c7_fails_where_one_arm_beats_the_baseline(tables, request, arms, common):
    losses = request.getfixturevalue(arms)
    losses["rad_shared"] = shifted(losses["exact"], -0.1, 0.01)
    assert judge("C7", *tables(losses, **common)).verdict == "not reproduced"


def test_c7_wants_the_published_arms_alone(tables, cnn_arms, rnn_arms):
    del cnn_arms["rad_project"]
    verdict = judge("C7", *tables(cnn_arms, **CNN))
    assert (verdict.verdict, verdict.sentence) == ("inconclusive", "no runs of rad_project.")
    of_rnn = judge("C7", *tables(rnn_arms, **RNN))
    assert [c.other for c in of_rnn.comparisons] == ["rad", "rad_shared", "small_batch"]


@pytest.mark.parametrize(
    ("claim", "common", "arms", "absent"),
    [
        ("C4", CNN, ["rad", "rad_shared"], "small_batch"),
        ("C4", CNN, ["rad", "small_batch"], "rad_shared"),
        ("C5", RNN, ["rad", "rad_shared"], "small_batch"),
        ("C6", CNN, ["rad", "small_batch"], "rad_shared"),
    ],
)
def test_absent_arms_are_named(tables, five_arms, claim, common, arms, absent):
    losses = {arm: five_arms[arm] for arm in arms}
    verdict = judge(claim, *tables(losses, **common))
    assert (verdict.verdict, verdict.n) == ("inconclusive", 0)
    assert verdict.sentence == f"no runs of {absent}."


@pytest.mark.parametrize("claim", ["C4", "C6", "C7"])
def test_a_missing_seed_is_an_error(tables, cnn_arms, claim):
    cnn_arms["rad_shared"].pop()
    with pytest.raises(UsageError, match="seed 2 of rad_shared: 0 runs to judge"):
        judge(claim, *tables(cnn_arms, **CNN))


def test_one_seed_decides_nothing(tables, cnn_arms):
    one = {arm: losses[:1] for arm, losses in cnn_arms.items()}
    verdicts, _ = judge_all(*tables(one, **CNN))
    assert {verdict.verdict for verdict in verdicts} == {"inconclusive"}


def test_iterations_to_the_target_decide_nothing(tables, cnn_arms):
    plain = judge("C4", *tables(cnn_arms, **CNN))
    with_target = judge("C4", *tables(cnn_arms, **CNN, target=0.05))
    assert with_target.interval == plain.interval
    assert TO_TARGET in with_target.comparisons[0].secondary
    assert TO_TARGET not in plain.comparisons[0].secondary


@pytest.mark.parametrize(("fall", "expected"), [(1.0, "reproduced"), (0.01, "inconclusive")])
@pytest.mark.parametrize(("claim", "common"), [("C5", RNN), ("C6", CNN)])
def test_arms_that_learn_nothing_match_in_nothing(tables, claim, common, fall, expected):
    losses = [2.3 * math.exp(-fall)] * 3
    arms = dict.fromkeys(["exact", "small_batch", "rad", "rad_shared"], losses)
    arms["rad"] = shifted(losses, 0.001, 0.0005)
    runs, curves = tables(arms, **common)
    verdict = judge(claim, runs, curves)
    assert verdict.verdict == expected
    assert ("fell by" in verdict.sentence) == (expected == "inconclusive")
