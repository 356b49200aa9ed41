"""Comparisons: what is paired, what counts as missing, what each view measures."""

import math

import pytest

from radexp.analysis.comparison import TO_TARGET, compare
from radexp.errors import UsageError


def test_the_deciding_statistic_is_the_paired_difference_of_mean_log_losses(tables):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.8]})
    comparison = compare(runs, curves, "rad", "exact")
    assert comparison.deciding.mean == pytest.approx(-(math.log(2) + math.log(4)) / 2)
    assert comparison.deciding.n == 2


def test_secondary_views_stop_at_equal_seconds_and_examples(tables):
    runs, curves = tables({"rad": [0.1, 0.1], "small_batch": [0.1, 0.1]})
    comparison = compare(runs, curves, "rad", "small_batch")
    # The small batch steps twice as fast and on fewer examples: equal per iteration, it is
    # ahead at equal seconds and at equal examples.
    assert comparison.deciding.mean == 0.0
    assert comparison.secondary["final log training loss"].mean == 0.0
    assert comparison.secondary["at equal training seconds"].mean > 0
    assert comparison.secondary["at equal examples seen"].mean > 0


def test_iterations_to_the_target_are_compared_in_logs(tables):
    runs, curves = tables({"rad": [0.1, 0.1], "exact": [0.01, 0.01]}, target=0.05)
    curves.loc[(curves["run"] == "study/rad-1") & (curves["iteration"] > 1000), "loss"] = 0.05
    view = compare(runs, curves, "rad", "exact").secondary[TO_TARGET]
    assert view.mean == math.inf  # rad's seed 0 never gets there, and is not dropped
    assert not view.defined
    curves.loc[(curves["run"] == "study/rad-0") & (curves["iteration"] > 1000), "loss"] = 0.04
    view = compare(runs, curves, "rad", "exact").secondary[TO_TARGET]
    assert view.mean == view.low == view.high == pytest.approx(math.log(20))


def test_a_target_that_only_one_arm_reaches_or_none(tables):
    losses = {"rad": [0.1, 0.2], "exact": [0.01, 0.01], "small_batch": [0.3, 0.3]}
    runs, curves = tables(losses, {("small_batch", 1): "diverged"}, target=0.05)
    assert compare(runs, curves, "rad", "exact").secondary[TO_TARGET].low == math.inf
    neither = compare(runs, curves, "rad", "small_batch").secondary[TO_TARGET]
    assert math.isnan(neither.mean)
    assert not neither.defined
    assert neither.n == 2


def test_a_target_met_at_the_start_counts_as_one_iteration(tables):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.8]}, target=2.3)
    assert compare(runs, curves, "rad", "exact").secondary[TO_TARGET].mean == 0.0


def test_without_one_target_there_is_no_view_of_it(tables):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.8]})
    mixed = [runs, runs.assign(target=math.nan), runs.assign(target=[0.1, 0.1, 0.2, 0.1])]
    for given in (*mixed, runs.assign(target=[0.1, 0.1, math.nan, 0.1])):
        assert TO_TARGET not in compare(given, curves, "rad", "exact").secondary


@pytest.mark.parametrize("status", ["failed", "interrupted", "out_of_memory"])
def test_a_run_without_an_outcome_is_a_missing_seed(tables, status):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.3]}, {("rad", 1): status})
    with pytest.raises(UsageError, match=rf"seed 1 of rad: 0 runs to judge \({status}\)"):
        compare(runs, curves, "rad", "exact")


def test_a_seed_that_was_never_run_is_an_error(tables):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2]})
    with pytest.raises(UsageError, match=r"seed 1 of exact: 0 runs to judge \(no run\)"):
        compare(runs, curves, "rad", "exact")


def test_two_runs_of_one_seed_are_ambiguous(tables):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.3]})
    runs["seed"] = 0
    with pytest.raises(UsageError, match="seed 0 of rad: 2 runs to judge"):
        compare(runs, curves, "rad", "exact")


def test_a_completed_run_without_evaluations_is_an_error(tables):
    runs, curves = tables({"rad": [0.1], "exact": [0.2]})
    with pytest.raises(UsageError, match="not evaluated after iteration 0"):
        compare(runs, curves[curves["iteration"] == 0], "rad", "exact")


def test_different_evaluation_points_are_refused(tables):
    runs, curves = tables({"rad": [0.1], "exact": [0.2]})
    cut = curves[(curves["run"] != "study/rad-0") | (curves["iteration"] != 1000)]
    with pytest.raises(UsageError, match="evaluated at different iterations"):
        compare(runs, cut, "rad", "exact")


def test_runs_without_a_clock_have_no_view_at_equal_seconds(tables):
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.3]})
    comparison = compare(runs, curves.assign(train_seconds=0.0), "rad", "exact")
    assert not comparison.secondary["at equal training seconds"].defined
    assert comparison.deciding.defined


def test_all_runs_diverged(tables):
    lost = {(arm, seed): "diverged" for arm in ("rad", "exact") for seed in (0, 1)}
    runs, curves = tables({"rad": [0.1, 0.2], "exact": [0.2, 0.3]}, lost)
    comparison = compare(runs, curves, "rad", "exact")
    assert comparison.verdict == "not reproduced"
    assert not comparison.deciding.defined


def test_a_completed_run_of_infinite_loss_counts_as_diverged(tables):
    runs, curves = tables({"rad": [0.1, math.nan], "exact": [0.2, 0.3]})
    assert compare(runs, curves, "rad", "exact").verdict == "not reproduced"
