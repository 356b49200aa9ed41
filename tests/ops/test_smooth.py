"""Smooth nonlinearities: PyTorch's values, and a sketch of the derivative is all that is kept."""

import pytest
import torch
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops.smooth import (
    SIGMOID,
    SILU,
    TANH,
    gelu,
    sketched_smooth,
    sketched_smooth_saved_bytes,
)
from radexp.sketches import Exact, Rounding

DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SHAPES = [(), (0,), (1,), (7,), (2, 5, 103)]
KINDS = {"none": gelu("none"), "tanh": gelu("tanh"), "SiLU": SILU, "Tanh": TANH, "Sigmoid": SIGMOID}

each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_kind = pytest.mark.parametrize("smooth", KINDS.values(), ids=KINDS)


def draw(shape, dtype=torch.float32, seed=0, device="cpu"):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(device, dtype)


@each_kind
@each_dtype
@pytest.mark.parametrize("layout", ["contiguous", "transposed"])
def test_values_are_stock_and_so_are_gradients_of_the_whole_derivative(
    smooth, dtype, layout, device
):
    x, g = (draw((9, 130), dtype, seed, device) for seed in (0, 1))
    x = (x if layout == "contiguous" else x.t().contiguous().t()).requires_grad_()
    y, stock = sketched_smooth(x, smooth, Exact(), 0), smooth.apply(x)
    assert torch.equal(y, stock)
    (ours,), (theirs,) = (torch.autograd.grad(result, x, g) for result in (y, stock))
    # The derivative, about 1, is rounded once more, and erf is another function in vector loops.
    eps, largest = torch.finfo(dtype).eps, g.abs().max().item()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=3 * eps * largest)


@each_kind
@each_dtype
@pytest.mark.parametrize("bits", [2, 8])
def test_saved_bytes_are_predicted_and_never_more_than_stock(smooth, dtype, bits, device):
    for shape in map(torch.Size, SHAPES):
        x = draw(shape, dtype, device=device).requires_grad_()
        held = []
        for op in (smooth.apply, lambda x: sketched_smooth(x, smooth, Rounding(bits), 0)):
            with SavedBytesMeter() as meter:
                y = op(x)
            held.append(meter.held_bytes)
            y.sum().backward()
        assert held[1] == sketched_smooth_saved_bytes(shape, dtype, Rounding(bits)) <= held[0]


@each_kind
def test_of_few_entries_the_derivative_is_kept_whole(smooth):
    x = torch.tensor([-0.5, 2.0], requires_grad=True)
    y = sketched_smooth(x, smooth, Rounding(8), 0)
    assert [kept.nbytes for kept in y.grad_fn.saved_tensors] == [8]
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, *torch.autograd.grad(smooth.apply(x).sum(), x))


def test_in_place_it_writes_over_its_input():
    x = draw((9, 130)).requires_grad_()
    before = x * 2
    y = sketched_smooth(before, SILU, Exact(), 0, in_place=True)
    assert y is before
    assert torch.equal(y, F.silu(x * 2))
    torch.testing.assert_close(
        *(torch.autograd.grad(result.sum(), x)[0] for result in (y, F.silu(x * 2)))
    )
    kept = x.exp()  # its derivative is its output
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        sketched_smooth(kept, SILU, Exact(), 0, in_place=True).sum().backward()


def test_without_gradients_it_is_stock():
    x = draw((9,))
    assert sketched_smooth(x, SILU, Rounding(2), 0).grad_fn is None
    with torch.no_grad():
        assert not sketched_smooth(draw((9,)).requires_grad_(), TANH, Rounding(2), 0).requires_grad
    assert torch.equal(sketched_smooth(x, SILU, Rounding(2), 0, in_place=True), F.silu(draw((9,))))
    assert torch.equal(x, F.silu(draw((9,))))


def test_a_retained_graph_gives_the_same_and_second_derivatives_are_refused():
    x = draw((50,)).requires_grad_()
    y = sketched_smooth(x, TANH, Rounding(2), 0).square().sum()
    first = torch.autograd.grad(y, x, retain_graph=True)[0]
    (again,) = torch.autograd.grad(y, x, create_graph=True)
    assert torch.equal(first, again)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        again.sum().backward()
