"""ReLU and average pooling as one operation: PyTorch's numbers, and one bit an entry."""

import pytest
import torch
from torch.nn import functional as F

from radexp.kernels import relu_pooling
from radexp.memory.meter import SavedBytesMeter
from radexp.ops import relu_pooling as op
from radexp.ops.relu_pooling import relu_avg_pool2d

LAYOUTS = {  # tensors that the compiled pass takes, and others, which take two operations
    "contiguous": lambda x: x,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "one example": lambda x: x[0],
    "narrow": lambda x: x[..., :7],
    "bfloat16": lambda x: x.bfloat16(),
}


def draw(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", LAYOUTS)
def test_values_and_gradients_are_pytorchs(name, monkeypatch):
    calls = []
    monkeypatch.setattr(
        op, "relu_avg_pool", lambda *a: calls.append(a) or relu_pooling.relu_avg_pool(*a)
    )
    ours, theirs = (LAYOUTS[name](draw((3, 2, 8, 16))).detach().requires_grad_() for _ in "ab")
    y, wanted = relu_avg_pool2d(ours, (2, 2)), F.avg_pool2d(F.relu(theirs), 2)
    assert torch.equal(y, wanted)
    g = draw(y.shape, 1).to(y.dtype)
    y.backward(g)
    wanted.backward(g)
    assert torch.equal(ours.grad, theirs.grad)
    assert len(calls) == (name == "contiguous")


def test_a_gradient_of_any_layout_will_do():
    x = draw((3, 2, 8, 16)).requires_grad_()
    (ours,) = torch.autograd.grad(relu_avg_pool2d(x, (2, 2)).transpose(2, 3).sum(2).sum(), x)
    (theirs,) = torch.autograd.grad(F.avg_pool2d(F.relu(x), 2).sum(), x)
    assert torch.equal(ours, theirs)


def test_one_bit_an_entry_is_kept():
    x = draw((3, 2, 8, 16)).requires_grad_()
    with SavedBytesMeter() as meter:
        y = relu_avg_pool2d(x * 1, (2, 2))
    assert y.requires_grad
    assert meter.held_bytes == x.numel() // 8


def test_gradcheck():
    x = draw((2, 2, 4, 8))
    x[x.abs() < 0.01] = 1.0  # away from the kink, which a difference quotient would step over
    assert torch.autograd.gradcheck(lambda x: relu_avg_pool2d(x, (2, 2)), x.requires_grad_())


def test_without_gradients_nothing_is_kept():
    assert relu_avg_pool2d(draw((1, 1, 2, 8)), (2, 2)).grad_fn is None
