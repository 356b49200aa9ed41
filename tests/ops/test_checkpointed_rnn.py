"""Checkpointed steps equal the loop's, keep what the closed form says, and never hold more."""

import pytest
import torch

from radexp.eager import EagerRNN
from radexp.layers import randomize
from radexp.layers.checkpointed import CheckpointedEagerRNN
from radexp.memory import SavedBytesMeter
from radexp.ops.checkpointed_rnn import checkpointed_rnn_saved_bytes, stretch_of

STEPS, ROWS, INPUTS, HIDDEN = 13, 4, 3, 5
COUNTS = [None, 1, 2, 5, 12, 40]


def twins(nonlinearity, count, bias=True):
    """Return an eager loop in float64, and the same with checkpoints."""
    torch.manual_seed(0)
    settings = {"nonlinearity": nonlinearity, "bias": bias, "dtype": torch.float64}
    stock, ours = (EagerRNN(INPUTS, HIDDEN, **settings) for _ in range(2))
    ours.load_state_dict(stock.state_dict())
    randomize(ours, "checkpoint", checkpoints=count)
    assert type(ours) is CheckpointedEagerRNN
    return ours, stock


def inputs(steps=STEPS):
    torch.manual_seed(1)
    return torch.randn(ROWS, steps, INPUTS).double(), torch.randn(ROWS, HIDDEN).double()


def outcome(net, x, start, times=1):
    leaves = [x.clone().requires_grad_(), *([] if start is None else [start.requires_grad_()])]
    last = net(*leaves)
    wanted = [*leaves, *net.parameters()]
    for _ in range(times):
        grads = torch.autograd.grad(last.square().sum(), wanted, retain_graph=times > 1)
    return [last.detach(), *grads]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
@pytest.mark.parametrize(("bias", "with_start"), [(True, False), (False, True)])
def test_values_and_gradients_are_those_of_the_loop(nonlinearity, count, bias, with_start):
    ours, stock = twins(nonlinearity, count, bias)
    x, start = inputs()
    start = start if with_start else None
    for found, wanted in zip(outcome(ours, x, start), outcome(stock, x, start), strict=True):
        # 13 steps of a few roundings each, of numbers of order 1.
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_second_backward_pass_gives_the_same():
    ours, _ = twins("relu", 3)
    x, start = inputs()
    assert all(map(torch.equal, outcome(ours, x, start, times=2), outcome(ours, x, start)))


@pytest.mark.parametrize(
    ("steps", "with_start"), [*((t, False) for t in (1, 2, 3, 100)), (4, True), (13, True)]
)
def test_no_more_is_held_in_either_pass_than_the_closed_form_nor_than_by_the_loop(
    steps, with_start
):
    ours, stock = twins("relu", None)
    x, start = inputs(steps)
    meters = []
    for net in (ours, stock):
        with SavedBytesMeter(net.parameters()) as meter:
            outcome(net, x, start.clone() if with_start else None)
        meters.append(meter)
    # The outputs' square keeps the last states: for the loop they are among all the states.
    last = 8 * ROWS * HIDDEN
    shape = (steps, ROWS, INPUTS)
    predicted = checkpointed_rnn_saved_bytes(shape, HIDDEN, 8, None, with_start)
    assert meters[0].peak_bytes == predicted + last <= meters[1].peak_bytes


def test_the_fewest_states_are_kept_at_stretches_of_the_square_root():
    sizes = [checkpointed_rnn_saved_bytes((784, 1, 0), 1, 1, c, False) for c in range(784)]
    assert min(sizes) == checkpointed_rnn_saved_bytes((784, 1, 0), 1, 1, None, False) == 55
    assert sizes[:28] == sorted(sizes[:28], reverse=True)
    assert [stretch_of(784, c) for c in (0, 27, 783, 2000)] == [784, 28, 1, 1]
