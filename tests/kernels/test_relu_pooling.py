"""ReLU and average pooling in one pass equal PyTorch's two, bit for bit."""

import pytest
import torch
from torch.nn import functional as F

from radexp.kernels import relu_pooling
from radexp.kernels.masks import pack_nonzero
from radexp.kernels.relu_pooling import relu_avg_pool, relu_avg_pool_backward

WINDOWS = [(1, 1), (2, 2), (3, 3), (1, 5), (4, 2), (7, 8)]
# Rows and columns that no window reaches are among them, and more planes than one part takes.
SHAPES = [(2, 3, 8, 8), (1, 1, 7, 16), (3, 2, 11, 24), (0, 3, 8, 8), (50, 7, 8, 8)]

each_window = pytest.mark.parametrize("window", WINDOWS, ids=str)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def draw(shape, dtype, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_some_shape_takes_several_parts():
    assert any(n * c > 2 * relu_pooling.PART_PLANES for n, c, _, _ in SHAPES)


@each_window
@each_shape
@each_dtype
def test_values_bits_and_gradients_are_pytorchs(window, shape, dtype):
    x = draw(shape, dtype).requires_grad_()
    alive = F.relu(x)
    wanted = F.avg_pool2d(alive, window)
    y, packed = relu_avg_pool(x.detach(), window)
    assert torch.equal(y, wanted)
    assert torch.equal(packed, pack_nonzero(alive.detach()))
    g = draw(wanted.shape, dtype, seed=1)
    (wanted_grad,) = torch.autograd.grad(wanted, x, g)
    assert torch.equal(relu_avg_pool_backward(g, packed, x.shape, window), wanted_grad)


def test_nan_and_infinity_go_the_way_they_go_in_pytorch():
    x = torch.zeros(1, 1, 4, 8)
    x[0, 0, 0, :4] = torch.tensor([float("nan"), 1.0, float("inf"), -float("inf")])
    x.requires_grad_()
    wanted = F.avg_pool2d(F.relu(x), 2)
    y, packed = relu_avg_pool(x.detach(), (2, 2))
    assert torch.equal(y.nan_to_num(5.0), wanted.nan_to_num(5.0))
    g = torch.full_like(y, float("inf"))
    (wanted_grad,) = torch.autograd.grad(wanted, x, g)
    ours = relu_avg_pool_backward(g, packed, x.shape, (2, 2))
    assert torch.equal(ours.nan_to_num(5.0), wanted_grad.nan_to_num(5.0))
