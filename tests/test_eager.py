"""The eager loop is nn.RNN: same parameters, states and gradients, and the bytes it holds."""

import re

import pytest
import torch
from torch import nn

from radexp.eager import CHUNK, EagerRNN
from radexp.errors import UsageError
from radexp.memory import SavedBytesMeter


def pair(nonlinearity, bias=True, features=3, hidden=5, dtype=torch.float64):
    """Return nn.RNN and the eager loop with the same random weights."""
    settings = {"nonlinearity": nonlinearity, "bias": bias, "batch_first": True, "dtype": dtype}
    torch.manual_seed(0)
    stock = nn.RNN(features, hidden, **settings)
    torch.manual_seed(0)
    return stock, EagerRNN(features, hidden, **settings)


@pytest.mark.parametrize("bias", [True, False])
def test_parameters_keys_and_initial_values_are_those_of_the_stock_module(bias):
    stock, loop = pair("relu", bias)
    assert list(stock.state_dict()) == list(loop.state_dict())
    for name, value in stock.state_dict().items():
        assert torch.equal(value, loop.state_dict()[name])
    assert isinstance(loop, nn.RNN)
    assert (loop.nonlinearity, loop.batch_first) == ("relu", True)


# Sums of at most 8 products of numbers of order 1: rounding stays far below 1e-12.
@pytest.mark.parametrize("num_steps", [1, 2, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("given_state", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_last_state_and_gradients_are_those_of_the_stock_module(
    nonlinearity, bias, given_state, num_steps
):
    stock, loop = pair(nonlinearity, bias)
    state = torch.rand(4, 5, dtype=torch.float64) if given_state else None
    slope = torch.rand(4, 5, dtype=torch.float64)
    found = []
    for net in (stock, loop):
        torch.manual_seed(1)
        x = torch.randn(4, num_steps, 3, dtype=torch.float64, requires_grad=True)
        h0 = None if state is None else state.clone().requires_grad_()
        start = h0[None] if net is stock and h0 is not None else h0
        last = net(x, start)[1][0] if net is stock else net(x, start)
        last.backward(slope)
        leaves = [*net.parameters(), x, *([] if h0 is None else [h0])]
        found.append([last.detach(), *(leaf.grad for leaf in leaves)])
    assert found[1][0].shape == (4, 5)
    for expected, value in zip(*found, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_states_and_inputs_are_held_and_nothing_else(nonlinearity):
    _, loop = pair(nonlinearity, features=1, hidden=100, dtype=torch.float32)
    x = torch.rand(150, 784, 1)
    with SavedBytesMeter(loop.parameters()) as meter:
        last = loop(x)
    assert last.requires_grad
    # The inputs, the zeros to start from and the state after each of 784 steps.
    assert meter.held_bytes == meter.peak_bytes == 4 * 150 * (784 + 100 + 784 * 100)


@pytest.mark.parametrize("start", [None, torch.zeros(2, 5)])
def test_no_graph_without_gradients(start):
    _, loop = pair("tanh", dtype=torch.float32)
    with torch.no_grad(), SavedBytesMeter() as meter:
        loop(torch.rand(2, 60, 3), start)
    assert meter.peak_bytes == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_layers": 2}, "num_layers=2: allowed is 1; use one EagerRNN"),
        ({"bidirectional": True}, "bidirectional=True: allowed is False; read the sequence one"),
        ({"batch_first": False}, "batch_first=False: allowed is True; give inputs as (N, T, I)"),
        ({"dropout": 0.5}, "dropout=0.5: allowed is 0; one layer has nothing to drop out"),
        ({"nonlinearity": "gelu"}, "nonlinearity=gelu: allowed is tanh, relu; try nonlinearity="),
    ],
)
def test_other_networks_are_refused(settings, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        EagerRNN(3, 5, **settings)


@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 2), (2, 0, 3), (1, 2, 4, 3)], ids=str)
def test_inputs_that_are_no_batch_of_sequences_are_refused(shape):
    message = f"input of shape {shape}: allowed is (N, T, 3) with at least one step; give a batch"
    with pytest.raises(UsageError, match=re.escape(message)):
        EagerRNN(3, 5)(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(5,), (1, 2, 5), (2, 4), (3, 5)], ids=str)
def test_states_that_do_not_fit_are_refused(shape):
    message = f"initial state of shape {shape}: allowed is (2, 5); give one state per example"
    with pytest.raises(UsageError, match=re.escape(message)):
        EagerRNN(3, 5)(torch.zeros(2, 4, 3), torch.zeros(shape))
