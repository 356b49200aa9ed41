"""ReLU in place writes over its input, and PyTorch notices where that would be wrong."""

import pytest
import torch
from torch.nn import functional as F

from radexp.ops.relu import bit_relu_

DTYPES = [torch.float32, torch.float64, torch.bfloat16]


def draw(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", ["contiguous", "transposed"])
def test_values_and_gradients_are_pytorchs(dtype, layout):
    x, g = draw((9, 13)).to(dtype).requires_grad_(), draw((9, 13), 1).to(dtype)
    before = x * 2 if layout == "contiguous" else (x.t() * 2).t()
    result = bit_relu_(before)
    assert result is before
    assert torch.equal(result, F.relu(2 * x))
    (ours,) = torch.autograd.grad(result, x, g)
    (theirs,) = torch.autograd.grad(F.relu(2 * x), x, g)
    assert torch.equal(ours, theirs)


def test_an_operation_that_kept_the_input_is_told():
    x = draw((9, 13)).requires_grad_()
    kept = x.exp()  # its derivative is its output
    y = bit_relu_(kept)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_leaf_is_refused():
    with pytest.raises(RuntimeError, match="leaf"):
        bit_relu_(draw((3,)).requires_grad_())


def test_without_gradients_it_is_stock():
    x = draw((5,))
    assert bit_relu_(x) is x
    assert x.min() == 0
