"""The grid has the published sizes, and refuses steps for which the scheme is unstable."""

import re

import numpy as np
import pytest

from radexp.errors import UsageError
from radexp.reactor import Grid


def test_published_sizes():
    grid = Grid()
    assert (grid.points, grid.steps, grid.num_interior) == (33, 40_961, 961)
    assert (grid.dx, grid.dt, grid.ratio) == (1 / 32, 1 / 4096, 0.0625)
    np.testing.assert_array_equal(grid.times[:-1], np.linspace(0, 10, 40_961))
    assert grid.times[-1] == 10 + 1 / 4096


def test_points_run_along_x_first():
    x, y = Grid(points=5, steps=301).coordinates()
    np.testing.assert_array_equal(x, [0.25, 0.5, 0.75] * 3)
    np.testing.assert_array_equal(y, np.repeat([0.25, 0.5, 0.75], 3))


def test_an_unstable_step_is_refused_with_the_largest_stable_one():
    message = (
        "model.steps=10001 with model.points=33, a time step of 0.001 (4 D dt / dx^2 = 1.024): "
        "allowed is a time step below 0.000976562, the largest stable one; "
        "set model.steps=10242 or more, or a smaller model.points"
    )
    with pytest.raises(UsageError, match=re.escape(message)):
        Grid(steps=10_001)


@pytest.mark.parametrize("points", [3, 9, 33, 100])
@pytest.mark.parametrize("diffusion", [0.25, 1.0, 0.033])
def test_the_fewest_steps_that_the_message_names_are_the_fewest_that_work(points, diffusion):
    with pytest.raises(UsageError, match=r"set model.steps=\d+ or more") as caught:
        Grid(points, 2, 10.0, diffusion)
    fewest = int(re.search(r"set model.steps=(\d+)", str(caught.value))[1])
    assert 4 * Grid(points, fewest, 10.0, diffusion).ratio < 1
    with pytest.raises(UsageError, match="the largest stable one"):
        Grid(points, fewest - 1, 10.0, diffusion)
