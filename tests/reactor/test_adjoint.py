"""The gradient is exact where all is kept, and the loss is exact whatever is kept."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.reactor import AsPublished, Checkpoints, Sketched, control_loss
from radexp.reactor.storage import Storage
from radexp.sketches import Exact, Projection, Sampling

EXACT = {
    "whole": Sketched(Exact(), draws=1, chunk_steps=10**6),
    "chunks": Sketched(Exact(), draws=1, chunk_steps=7),
    "two draws": Sketched(Exact(), draws=2, chunk_steps=10),
    **{f"{count} checkpoints": Checkpoints(count) for count in (1, 2, 8, 9, 41, 81, 82, 500)},
}
RANDOM = {
    "sampling": Sketched(Sampling(0.2)),
    "distinct": Sketched(Sampling(0.2, replacement=False)),
    "projection": Sketched(Projection(0.2)),
    "as published": AsPublished(Sampling(0.2), seed=3),
}


def loss_and_gradient(theta, problem, storage, seed=0):
    loss = control_loss(theta, problem, storage, seed)
    return loss.detach(), torch.autograd.grad(loss, theta)[0]


@pytest.mark.parametrize("name", EXACT)
def test_gradient_is_that_of_autograd_through_the_plain_scheme(name, problem, theta, truth):
    loss, gradient = loss_and_gradient(theta, problem, EXACT[name])
    torch.testing.assert_close(loss, truth[0], rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, truth[1], rtol=1e-10, atol=0)


def test_gradient_is_that_of_finite_differences(problem, theta):
    # Fourth order: the error is h^4 times a fifth derivative, the rounding 1e-16 over h.
    _, gradient = loss_and_gradient(theta, problem, EXACT["whole"])
    h, weights = 1e-3, {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}

    def loss(k, shift):
        moved = theta.detach().clone()
        moved[k] += shift
        return control_loss(moved, problem, EXACT["whole"], 0)

    for k in range(7):
        difference = sum(weight * loss(k, n * h) for n, weight in weights.items()) / h
        torch.testing.assert_close(gradient[k], difference, rtol=1e-8, atol=0)


@pytest.mark.parametrize("name", EXACT)
def test_single_precision_is_double_precision_to_rounding(name, problem, theta, truth):
    single = theta.detach().float().requires_grad_()
    loss, gradient = loss_and_gradient(single, problem, EXACT[name])
    assert loss.dtype == gradient.dtype == torch.float32
    # 83 steps of about 8 roundings each way, of sums in which little cancels.
    bound = 2 * 83 * 8 * torch.finfo(torch.float32).eps
    torch.testing.assert_close(loss.double(), truth[0], rtol=bound, atol=0)
    largest = float(truth[1].abs().max())
    torch.testing.assert_close(gradient.double(), truth[1], rtol=bound, atol=bound * largest)


@pytest.mark.parametrize("name", RANDOM)
def test_the_loss_is_exact_and_the_seed_decides_the_gradient(name, problem, theta, truth):
    loss, first = loss_and_gradient(theta, problem, RANDOM[name], seed=1)
    assert float(loss) == pytest.approx(float(truth[0]), rel=1e-12)
    assert torch.equal(first, loss_and_gradient(theta, problem, RANDOM[name], seed=1)[1])
    other = loss_and_gradient(theta, problem, RANDOM[name], seed=2)[1]
    assert torch.equal(first, other) == (name == "as published")
    assert not torch.allclose(first, truth[1], rtol=1e-6)


def test_entries_give_what_whole_states_give(problem, theta, monkeypatch):
    by_entries = loss_and_gradient(theta, problem, RANDOM["sampling"])[1]
    monkeypatch.setattr(Sampling, "entries", lambda *given: None)
    whole = loss_and_gradient(theta, problem, RANDOM["sampling"])[1]
    torch.testing.assert_close(by_entries, whole, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", ["whole", "9 checkpoints"])
def test_a_second_backward_pass_gives_the_same(name, problem, theta):
    loss = control_loss(theta, problem, EXACT[name], 0)
    first = torch.autograd.grad(3 * loss, theta, retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(3 * loss, theta)[0])
    torch.testing.assert_close(first, 3 * loss_and_gradient(theta, problem, EXACT[name])[1])


def test_without_gradients_nothing_is_recorded(problem, theta, truth):
    class Refusing(Storage):
        def record(self, run, seed):
            raise AssertionError

        replay = saved_bytes = record

    with torch.no_grad():
        loss = control_loss(theta, problem, Refusing(), 0)
    assert float(loss) == pytest.approx(float(truth[0]), rel=1e-12)
    assert not control_loss(theta.detach(), problem, Refusing(), 0).requires_grad


def test_other_types_are_refused(problem):
    message = "theta of torch.bfloat16 on cpu: allowed is float32 or float64 on the CPU; move it"
    with pytest.raises(UsageError, match=message):
        control_loss(torch.zeros(7, dtype=torch.bfloat16), problem, EXACT["whole"], 0)


def test_the_published_points_are_the_whole_where_they_are_all(problem, theta, truth):
    # All points, each once: nothing is left out, so that nothing is wrong.
    everything = AsPublished(Sampling(0.999, replacement=False), seed=0)
    assert everything.saved_bytes(problem.grid, torch.float64) == 83 * 49 * 8
    gradient = loss_and_gradient(theta, problem, everything)[1]
    torch.testing.assert_close(gradient, truth[1], rtol=1e-10, atol=0)
