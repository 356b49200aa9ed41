"""The target is the published one, and counts over the whole grid."""

import numpy as np

from radexp.reactor import Grid
from radexp.reactor.target import Target


def test_target_is_the_plain_one(grid, plain):
    target = Target(grid)
    for step in (0, 7, grid.steps - 1):
        whole = plain.target(grid.times[step])
        np.testing.assert_allclose(target.at(step), whole[1:-1, 1:-1].flatten(), atol=1e-15)
        edges = [whole[0], whole[-1], whole[:, 0], whole[:, -1]]
        assert max(float(edge.abs().max()) for edge in edges) < 1e-15


def test_a_squared_error_counts_dt_over_all_points():
    assert Target(Grid()).weight == 1 / 4096 / 33**2
