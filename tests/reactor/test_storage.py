"""Stored bytes: measured is predicted, and checkpoints are as few as can be."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.memory.meter import SavedBytesMeter
from radexp.reactor import (
    AsPublished,
    Checkpoints,
    Grid,
    Sketched,
    control_loss,
    least_checkpoints,
)
from radexp.sketches import Exact, Projection, Sampling

STORAGES = [
    Sketched(Exact(), draws=1),
    Sketched(Exact(), draws=1, chunk_steps=83),
    *(Sketched(Sampling(keep, replacement=on)) for keep in (0.02, 0.3) for on in (True, False)),
    Sketched(Sampling(0.3), chunk_steps=7),
    Sketched(Projection(0.1)),
    *(AsPublished(Sampling(0.3, replacement=on), seed=0) for on in (True, False)),
    *(Checkpoints(count) for count in (1, 8, 9, 40, 82, 10**6)),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("storage", STORAGES, ids=repr)
def test_predicted_bytes_are_measured(storage, dtype, problem, theta):
    given = theta.detach().to(dtype).requires_grad_()
    with SavedBytesMeter([given]) as meter:
        loss = control_loss(given, problem, storage, 0)
        held = meter.held_bytes
        loss.backward()
    assert held == meter.peak_bytes == storage.saved_bytes(problem.grid, dtype)


def test_published_sizes():
    grid, states = Grid(), 40_961 * 961 * 4
    assert Sketched(Exact(), draws=1).saved_bytes(grid, torch.float32) == states == 157_454_084
    assert 40_961 * 33**2 * 4 == 178_426_116  # with the boundary, as the paper has it
    assert Sketched(Sampling(0.01)).saved_bytes(grid, torch.float32) == 2 * 40_961 * 10 * 4
    assert AsPublished(Sampling(0.01), 0).saved_bytes(grid, torch.float32) == 40_961 * 10 * 4
    assert Checkpoints(202).saved_bytes(grid, torch.float32) == 404 * 961 * 4
    assert 0.01 * states > 404 * 961 * 4


@pytest.mark.parametrize("steps", [2, 3, 10, 83, 100, 1000, 40_961])
def test_no_other_number_of_checkpoints_keeps_fewer_states(steps):
    grid = Grid(points=3, steps=steps, final_time=0.01)
    best = Checkpoints(least_checkpoints(steps)).saved_bytes(grid, torch.float32)
    counts = range(1, max(2, min(steps, 2000)))
    assert best == min(Checkpoints(n).saved_bytes(grid, torch.float32) for n in counts)


def test_above_that_number_more_checkpoints_never_keep_fewer_states():
    # What lets a budget be solved by bisection.
    grid = Grid(points=3, steps=1001, final_time=0.01)
    counts = range(least_checkpoints(1001), 1001)
    sizes = [Checkpoints(n).saved_bytes(grid, torch.float32) for n in counts]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 1001 * 4


def test_no_checkpoint_at_all_is_refused():
    with pytest.raises(UsageError, match="checkpoints=0: allowed is a whole number of at least 1"):
        Checkpoints(0)
