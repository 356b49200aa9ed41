"""What tests of layers share: bytes predicted and measured, and a stock twin."""

from __future__ import annotations

import copy

import pytest
import torch

from radexp.layers import randomize
from radexp.memory import SavedBytesMeter, predict_saved_bytes


def loss_of(outputs, _=None):
    """Return a loss that keeps every tensor among the outputs."""
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return sum(output.square().sum() for output in outputs)


@pytest.fixture
def predicted_and_measured():
    """Return a function from a network's builder to the bytes that a step holds, of both kinds."""

    def count(build, shape, estimator, needs_x=False, **settings):
        with torch.device("meta"):
            dry, x = build(), torch.empty(shape, requires_grad=needs_x)
        net, real_x = build(), torch.randn(shape, requires_grad=needs_x)
        for model in (dry, net):
            if estimator is not None:
                randomize(model, estimator, **settings)
        predicted = predict_saved_bytes(dry, loss_of, x, x)
        with SavedBytesMeter(net.parameters()) as meter:
            loss = loss_of(net(real_x))
        if loss.requires_grad:
            loss.backward()
        assert meter.held_bytes == 0
        return predicted, meter.peak_bytes

    return count


@pytest.fixture
def twins():
    """Return a function from a network to a randomized one and a stock one of equal parameters."""

    def make(stock, estimator="rad", **settings):
        return randomize(copy.deepcopy(stock), estimator, **settings).model, stock

    return make


@pytest.fixture
def generator_state():
    """Put the global generator back, which a test seeds."""
    with torch.random.fork_rng(devices=[]):
        yield
