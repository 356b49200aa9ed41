"""The compiled scheme is the plain one, and has the growth rate that theory gives it."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from radexp.reactor import Grid, Problem
from radexp.reactor.dynamics import Dynamics


def run_all(problem, theta):
    run = Dynamics(problem, theta)
    states = run.new_states(problem.grid.steps)
    loss = run.advance(run.start_D, 0, states)
    return loss, states[:, 0]


def test_states_and_loss_are_those_of_the_whole_grid_in_pytorch(problem, plain, theta, truth):
    loss, states = run_all(problem, theta)
    whole = [phi.detach() for _, phi in plain.states(theta)]
    inside = torch.stack(whole)[:, 1:-1, 1:-1].flatten(1)
    torch.testing.assert_close(states, inside, rtol=1e-12, atol=1e-14)
    assert loss == pytest.approx(float(truth[0]), rel=1e-12)
    edges = torch.cat([torch.cat([phi[0], phi[-1], phi[:, 0], phi[:, -1]]) for phi in whole])
    assert float(edges.abs().max()) < 1e-15  # so nothing is lost by leaving the boundary out


@pytest.mark.parametrize("pieces", [1, 2, 5, 82])
def test_pieces_of_a_run_are_the_run(pieces, problem, theta):
    loss, states = run_all(problem, theta)
    run, total, state = Dynamics(problem, theta), 0.0, None
    for part in np.array_split(np.arange(problem.grid.steps), pieces):
        room = run.new_states(len(part))
        total += run.advance(run.start_D if state is None else state, int(part[0]), room)
        assert torch.equal(room[:, 0], states[part])
        state = room[-1, 0].numpy()
    assert total == pytest.approx(loss, rel=1e-13)


def decay(points, diffusion=0.25):
    """Return the rate at which the scheme's diffusion damps the start, an eigenvector of it."""
    dx = 1 / (points - 1)
    return 8 * diffusion / dx**2 * math.sin(math.pi * dx / 2) ** 2


@pytest.mark.parametrize("growth", [4.932, 6.0, 0.0])
def test_under_a_constant_control_the_start_grows_at_the_discrete_rate(growth, problem, grid):
    theta = torch.tensor([growth, 0, 0, 0, 0, 0, 0], dtype=torch.float64)
    _, states = run_all(problem, theta)
    start, factor = problem.target.start_D, 1 + grid.dt * (growth - decay(grid.points))
    expected = factor ** np.arange(1, grid.steps + 1)[:, None] * start
    np.testing.assert_allclose(states.numpy(), expected, rtol=1e-11, atol=1e-14)


def test_the_published_start_is_near_the_steady_state():
    assert decay(33) == pytest.approx(4.932, abs=2e-3)
    theta = torch.tensor([decay(33), 0, 0, 0, 0, 0, 0], dtype=torch.float64)
    problem = Problem(Grid(steps=4097, final_time=1.0))
    _, states = run_all(problem, theta)
    np.testing.assert_allclose(states[-1].numpy(), problem.target.start_D, rtol=1e-10)


def test_the_rate_converges_with_the_square_of_the_distance():
    errors = [2 * math.pi**2 * 0.25 - decay(points) for points in (9, 17, 33, 65)]
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, rel=0.02)


def test_float32_is_float64_to_rounding(problem, theta):
    # 83 steps of a few roundings each, of fields that stay near 1.
    (loss, states), (single, singles) = run_all(problem, theta), run_all(problem, theta.float())
    assert singles.dtype == torch.float32
    bound = 83 * 8 * torch.finfo(torch.float32).eps
    torch.testing.assert_close(singles.double(), states, rtol=bound, atol=bound)
    assert single == pytest.approx(loss, rel=10 * bound)
