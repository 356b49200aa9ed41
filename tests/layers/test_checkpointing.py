"""Sketched layers under activation checkpointing: right with reentrance, refused without."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from radexp.errors import UsageError
from radexp.layers import randomize

LAYERS = {
    "linear": (nn.Linear(16, 3), (5, 16)),
    "conv": (nn.Conv2d(2, 3, 3), (2, 2, 8, 8)),
    "rnn": (nn.RNN(4, 16, nonlinearity="relu"), (6, 2, 4)),
}


def first_of(outputs):
    return outputs[0] if isinstance(outputs, tuple) else outputs


@pytest.fixture(params=LAYERS)
def layer(request):
    return LAYERS[request.param]


def test_without_reentrance_a_call_would_get_the_sketch_of_another(layer):
    module, shape = layer
    randomize(module, "rad", keep=0.25)
    x = torch.randn(shape, requires_grad=True)
    with pytest.raises(UsageError, match=r"use_reentrant=False: allowed is use_reentrant=True"):
        checkpoint(module, x, use_reentrant=False)
    randomize(module, "exact")
    first_of(checkpoint(module, x, use_reentrant=False)).sum().backward()


def test_with_reentrance_gradients_are_unbiased():
    torch.manual_seed(0)
    module = nn.Linear(16, 1, bias=False)
    randomize(module, "rad", keep=0.25)
    x = torch.zeros(50, 16)
    x[:, 0] = 1
    x.requires_grad_()
    draws = []
    for _ in range(400):
        module.zero_grad()
        checkpoint(module, x, use_reentrant=True).sum().backward()
        draws.append(module.weight.grad[0].clone())
    gradients = torch.stack(draws)
    # Exactly 50 in column 0, else 0; a draw of 4 of 16 columns has variance 3.75 an example.
    assert abs(gradients[:, 0].mean() - 50) < 4 * (50 * 3.75 / 400) ** 0.5
    assert not gradients[:, 1:].any()
