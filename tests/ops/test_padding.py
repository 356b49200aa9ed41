"""Padding equals PyTorch's and keeps nothing."""

import pytest
import torch
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops.padding import lean_pad

MODES = ["constant", "reflect", "replicate", "circular"]
INPUTS = {"line": ((2, 3, 7), (2, 1)), "image": ((2, 3, 7, 6), (2, 1, 0, 3))}

each_mode = pytest.mark.parametrize("mode", MODES)
each_input = pytest.mark.parametrize(("shape", "margins"), INPUTS.values(), ids=INPUTS)


def draw(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@each_mode
@each_input
@pytest.mark.parametrize("batched", [True, False])
def test_values_and_gradients_are_pytorchs(shape, margins, mode, batched):
    x = draw(shape if batched else shape[1:]).requires_grad_()
    ours, theirs = lean_pad(x, margins, mode), F.pad(x, margins, mode)
    assert torch.equal(ours, theirs)
    g = draw(ours.shape, 1)
    assert torch.equal(*(torch.autograd.grad(y, x, g)[0] for y in (ours, theirs)))


@each_mode
@each_input
def test_nothing_is_kept(shape, margins, mode):
    x = draw(shape).requires_grad_()
    with SavedBytesMeter() as meter:
        y = lean_pad(x * 1, margins, mode)
    assert y.requires_grad
    assert meter.peak_bytes == 0


def test_what_pytorch_keeps_is_why():
    x = draw((2, 3, 7)).requires_grad_()
    with SavedBytesMeter() as meter:
        y = F.pad(x * 1, (2, 1), "reflect")
    assert y.requires_grad
    assert meter.peak_bytes == x.nbytes
