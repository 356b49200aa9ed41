"""The derived curves: their values, their slopes, and that the two kinds meet at depth 1."""

import numpy as np
import pytest

from radexp.analysis.depth_rates import CURVES, log_slope

DEPTH = np.arange(1.0, 13.0)


@pytest.mark.parametrize(
    ("flat", "growing"), [("independent", "interleaved"), ("inputs", "everywhere")]
)
@pytest.mark.parametrize(("width", "kept"), [(32, 8), (32, 24), (256, 26)])
def test_at_depth_1_both_are_the_same_and_only_one_grows(flat, growing, width, kept):
    level, curve = CURVES[flat](DEPTH, width, kept), CURVES[growing](DEPTH, width, kept)
    assert level[0] == pytest.approx(curve[0])
    assert log_slope(DEPTH, level) == pytest.approx(0, abs=1e-12)
    assert (np.diff(np.log(curve)) > 0).all()


def test_the_growing_ones_have_their_rates_far_down():
    deep = np.array([60.0, 61.0])
    assert log_slope(deep, CURVES["interleaved"](deep, 32, 8)) == pytest.approx(np.log(4))
    # The mean over layers of c^1 to c^L grows by c L / (L + 1).
    rate = np.log(1 + 31 / 8) + np.log(60 / 61)
    assert log_slope(deep, CURVES["everywhere"](deep, 32, 8)) == pytest.approx(rate)


def test_everywhere_is_the_mean_over_layers():
    factor = 1 + 255 / 26
    for depth in (1, 2, 5):
        mean = np.mean([factor**j for j in range(1, depth + 1)]) - 1
        assert CURVES["everywhere"](np.array([float(depth)]), 256, 26)[0] == pytest.approx(mean)


def test_keeping_all_edges_leaves_no_variance():
    assert (CURVES["independent"](DEPTH, 32, 32) == 0).all()
    assert (CURVES["interleaved"](DEPTH, 32, 32) == 0).all()


def test_the_slope_is_that_of_least_squares():
    values = np.exp([0.0, 1.0, 0.5, 2.0])
    depth = np.array([1.0, 2.0, 4.0, 5.0])
    assert log_slope(depth, values) == pytest.approx(np.polyfit(depth, np.log(values), 1)[0])
