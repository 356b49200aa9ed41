"""Gradients of the recurrent weights, summed through time, are unbiased."""

import pytest
import torch

from radexp.ops import recurrent_steps
from radexp.ops.recurrent import sketched_rnn
from radexp.sketches import Exact, Projection, Rounding, Rows, Sampling

# The slope of one draw has a standard deviation of at most 0.05 (own samples), 0.11 (shared) or
# 0.2 (projected) where all states count, measured: 0.005 at most after these repetitions. A bias
# of 0.03 is then 6 of them, and the slope's threshold is 5.0.
REPETITIONS = {
    "own": 150,
    "shared": 600,
    "projected": 1600,
    "rounded": 150,
    "rows": 800,
    "exact": 3,
}
T, N, I, H = 5, 8, 12, 12  # noqa: E741
SKETCHES = {
    "own": Sampling(0.4),
    "own, no replacement": Sampling(0.4, replacement=False),
    "shared": Sampling(0.6, shared=True),
    "shared, no replacement": Sampling(0.4, shared=True, replacement=False),
    "projected": Projection(0.9),
    "rounded": Rounding(1),
    "rows": Rows(0.6),
    "exact": Exact(),
}
each_sketch = pytest.mark.parametrize("name", SKETCHES)
# Under tanh samples see the inputs alone, so that few sketches will do; rounding sees all.
CASES = [(name, "relu") for name in SKETCHES]
CASES += [(name, "tanh") for name in ("own", "shared", "rounded")]
each_case = pytest.mark.parametrize(("name", "nonlinearity"), CASES)


@pytest.fixture(autouse=True)
def _chunks_of_two_steps(monkeypatch):
    monkeypatch.setattr(recurrent_steps, "CHUNK_BYTES", 2 * N * H * 8)


def draw(shape, seed, mean):
    draws = torch.Generator().manual_seed(seed)
    return mean + 0.4 * torch.randn(shape, generator=draws, dtype=torch.float64)


def problem(mean):
    x, h = draw((T, N, I), 0, mean), draw((N, H), 1, mean)
    w_ih, w_hh = draw((H, I), 2, 0.4 * mean) / I, draw((H, H), 3, 0.5 * mean) / H
    return x, h, w_ih.requires_grad_(), w_hh.requires_grad_(), draw((H,), 4, 0.1)


def gradients(given, states, mean):
    outputs, last = states
    total = (last * draw(last.shape, 5, mean)).sum()
    if outputs is not None:
        total = total + (outputs * draw(outputs.shape, 6, mean)).sum()
    return torch.autograd.grad(total, given[2:4])


def stock_states(given, nonlinearity, with_outputs):
    """Return states by PyTorch's own operations."""
    x, h, w_ih, w_hh, bias = given
    states = []
    for x_NI in x.unbind():
        h = getattr(torch, nonlinearity)(x_NI @ w_ih.t() + h @ w_hh.t() + bias)
        states.append(h)
    return torch.stack(states) if with_outputs else None, h


def excesses(excess, name, nonlinearity, with_outputs, plant=lambda sketch: sketch):
    """Return the excess of the gradient of each weight."""
    sketch, kind = plant(SKETCHES[name]), name.partition(",")[0]
    # A mean lets samples agree, but makes gradients of low rank, which a projection dislikes.
    mean = 0.0 if kind == "projected" else 1.0
    given, wishes = problem(mean), (nonlinearity, with_outputs)
    draws = [
        gradients(given, sketched_rnn(*given, sketch, seed, *wishes), mean)
        for seed in range(REPETITIONS[kind])
    ]
    truths = gradients(given, stock_states(given, *wishes), mean)
    return [
        excess(torch.stack(estimates).flatten(1), truth.flatten())
        for estimates, truth in zip(zip(*draws, strict=True), truths, strict=True)
    ]


@each_case
def test_gradients_of_both_weights_are_unbiased(excess, name, nonlinearity):
    assert max(excesses(excess, name, nonlinearity, True)) < 1


@each_sketch
def test_gradients_that_come_back_from_the_last_state_alone_are_unbiased(excess, name):
    assert max(excesses(excess, name, "relu", False)) < 1


@pytest.mark.parametrize(("name", "nonlinearity"), [case for case in CASES if case[0] != "exact"])
def test_a_planted_bias_is_caught(excess, planted, name, nonlinearity):
    of_inputs, of_states = excesses(excess, name, nonlinearity, True, planted)
    assert of_inputs > 1
    # The states under tanh are kept whole, but for rounding.
    assert (of_states > 1) == (nonlinearity == "relu" or name == "rounded")
