"""Curves: worked examples of each summary, and the floor."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radexp.analysis.curves import (
    LOSS_FLOOR,
    Curve,
    common_horizon,
    iterations_to_target,
    log_loss,
    mean_log_loss,
    mean_log_loss_until,
    run_curves,
    seed_band,
)


def curve(values, seconds=(0.0, 1.0, 3.0)):
    iterations = np.array([0.0, 10.0, 20.0])
    return Curve("r", iterations, 150 * iterations, np.array(seconds), np.array(values))


def test_log_loss_has_a_floor_and_counts_nan_as_infinite():
    loss = np.array([1.0, 0.0, -1.0, math.inf, math.nan])
    floor = math.log(LOSS_FLOOR)
    assert log_loss(loss).tolist() == [0.0, floor, floor, math.inf, math.inf]


def test_run_curves_takes_one_split_in_the_order_of_iterations():
    frame = pd.DataFrame(
        {
            "run": ["b", "a", "a", "a"],
            "iteration": [0, 5, 0, 5],
            "examples_seen": [0, 50, 0, 50],
            "train_seconds": [0.0, 1.0, 0.0, 1.0],
            "split": ["train", "train", "train", "batch"],
            "loss": [1.0, math.e, 1.0, 9.0],
            "accuracy": [0.5, math.nan, 0.1, 0.2],
        }
    )
    found = run_curves(frame)
    assert list(found) == ["a", "b"]
    assert found["a"].values == pytest.approx([0.0, 1.0])
    assert run_curves(frame, quantity="accuracy")["a"].values.tolist() == [0.1]
    assert run_curves(frame, "test") == {}


def test_mean_log_loss_leaves_iteration_0_out():
    assert mean_log_loss(curve([100.0, 1.0, 3.0])) == 2.0


def test_a_run_never_evaluated_again_has_no_mean():
    only_start = Curve("r", *[np.zeros(1)] * 4)
    assert math.isnan(mean_log_loss(only_start))


def test_mean_until_integrates_the_polyline_up_to_the_horizon():
    # From 4 to 2 over the first second, then on to 1 at second 2: areas 3 and 1.5.
    assert mean_log_loss_until(curve([4.0, 2.0, 0.0]), "seconds", 2.0) == pytest.approx(2.25)


@given(st.floats(0.01, 3.0), st.floats(-5, 5))
def test_mean_until_of_a_constant_is_that_constant(horizon, level):
    flat = curve([level] * 3)
    assert mean_log_loss_until(flat, "seconds", horizon) == pytest.approx(level)


def test_no_horizon_no_mean():
    assert math.isnan(mean_log_loss_until(curve([1.0, 1.0, 1.0]), "seconds", 0.0))


def test_the_common_horizon_is_the_shortest_reach():
    curves = [curve([1.0] * 3), curve([1.0] * 3, seconds=(0.0, 1.0, 2.0))]
    assert common_horizon(curves, "seconds") == 2.0
    assert common_horizon(curves, "examples") == 3000.0


def test_a_target_not_reached_is_infinite():
    falling = curve([0.0, -1.0, -2.0])
    assert iterations_to_target(falling, math.exp(-0.5)) == 10.0
    assert iterations_to_target(falling, 1e-3) == math.inf


def test_seed_band_interpolates_on_common_coordinates():
    band = seed_band(
        [curve([0.0, 2.0, 4.0]), curve([0.0, 2.0, 6.0], seconds=(0.0, 2.0, 4.0))], "seconds"
    )
    assert band.x.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert band.mean == pytest.approx([0.0, 1.5, 2.5, 4.0])
    assert band.low == pytest.approx([0.0, 1.0, 2.0, 4.0])
    assert band.high == pytest.approx([0.0, 2.0, 3.0, 4.0])
