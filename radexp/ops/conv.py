"""Convolutions that keep a sketch of their input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.kernels import serves
from radexp.kernels.geometry import Geometry, Pair
from radexp.kernels.sparse_convolution import sparse_window_products
from radexp.sketches import Exact, Sketch
from radexp.sketches.base import Shape

# Kept fraction up to which windows at the kept positions alone are taken: half the time of
# PyTorch's dense weight gradient at 0.1, the same near 0.35 (scripts/bench_sparse.py).
SPARSE_BELOW = 0.25

_convolution_backward = torch.ops.aten.convolution_backward.default


def _group_shape(shape: torch.Size) -> Shape:
    """Return the shape (1, N C, H W) in which a sketch sees an input (N, C, H, W)."""
    return 1, shape[0] * shape[1], shape[2] * shape[3]


class _SketchedConv2d(torch.autograd.Function):
    """``y = conv(x, W) + b``; keeps W, a parameter, and a sketch of x for W's gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        geometry: Geometry,
        sketch: Sketch,
        seed: int,
    ) -> Tensor:
        shape = _group_shape(x.shape)
        kept = sketch.compress(x.reshape(shape), seed) if weight.requires_grad else ()
        ctx.save_for_backward(weight if x.requires_grad else None, *kept)
        ctx.geometry, ctx.sketch, ctx.seed = geometry, sketch, seed
        ctx.shape, ctx.weight_shape, ctx.dtype = x.shape, weight.shape, x.dtype
        return _convolve(x, weight, bias, geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        weight, *kept = ctx.saved_tensors
        needs_x, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        grad_x = grad_weight = None
        # Under autocast g, the sketch, which has x's type, and the weight can have three types.
        if needs_weight:
            grad_weight = _weight_gradient(ctx, g.to(ctx.dtype), tuple(kept))
        if needs_x:
            # Of x only the shape matters: one element stands for all.
            like_x, wide_g = weight.new_empty(1).expand(ctx.shape), g.to(weight.dtype)
            grad_x, _, _ = _backward(wide_g, like_x, weight, ctx.geometry, (True, False, False))
        grad_bias = g.sum((0, 2, 3)) if needs_bias else None
        return grad_x, grad_weight, grad_bias, None, None, None


def _weight_gradient(ctx: Any, g: Tensor, kept: tuple[Tensor, ...]) -> Tensor:
    """Return the weight gradient, from the kept positions alone where that is faster."""
    shape = _group_shape(ctx.shape)
    kept_bytes, all_bytes = (s.saved_bytes(shape, ctx.dtype) for s in (ctx.sketch, Exact()))
    sparse = serves(g) and kept_bytes <= SPARSE_BELOW * all_bytes
    entries = ctx.sketch.entries(kept, shape, ctx.seed) if sparse else None
    if entries is not None:
        (values,), (positions,) = entries
        return sparse_window_products(g.contiguous(), values, positions, ctx.shape[1], ctx.geometry)
    xhat = ctx.sketch.restore(kept, shape, ctx.seed).view(ctx.shape)
    like_weight = g.new_empty(1).expand(ctx.weight_shape)
    _, grad_weight, _ = _backward(g, xhat, like_weight, ctx.geometry, (False, True, False))
    return grad_weight


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    stride, padding, dilation = geometry.stride, geometry.padding, geometry.dilation
    return F.conv2d(x, weight, bias, stride, padding, dilation, geometry.groups)


def _backward(
    g: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return PyTorch's gradients of x, weight and bias, those that are wanted."""
    stride, padding, dilation = geometry.stride, geometry.padding, geometry.dilation
    return _convolution_backward(  # type: ignore[no-any-return]
        g, x, weight, None, stride, padding, dilation, False, (0, 0), geometry.groups, wanted
    )


def sketched_conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    sketch: Sketch,
    seed: int,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Tensor:
    """Convolve as ``F.conv2d`` does, keeping a sketch of ``x`` instead of ``x``.

    The sketch sees ``x`` as a matrix of one row for each example and channel and one column for
    each position. The gradients of ``x`` and ``b`` are exact. That of ``W``,
    ``dW[o, c, t] = sum_n sum_p g[n, o, p] xhat[n, c, stride p - padding + dilation t]``, is linear
    in the one random factor, so unbiased.

    Args:
        x: Inputs, shape (N, C, H, W).
        weight: Shape (O, C / groups, kernel height, kernel width).
        bias: Shape (O,), or None.
        sketch: What to keep of ``x``.
        seed: Seed of the sketch's draw.
        stride: Step between windows, height and width.
        padding: Zeros around the input.
        dilation: Step inside a window.
        groups: Independent groups of channels.

    Returns:
        Outputs, shape (N, O, H', W').

    Example:
        >>> from radexp.sketches import Sampling
        >>> x, w = torch.ones(2, 3, 8, 8), torch.ones(4, 3, 5, 5, requires_grad=True)
        >>> sketched_conv2d(x, w, None, Sampling(0.1), seed=0, padding=(2, 2)).shape
        torch.Size([2, 4, 8, 8])

    Source: section 4.2 and the convolutional experiments, sampling over the H W positions.
    """
    size, kernel = tuple(x.shape[2:]), tuple(weight.shape[2:])
    geometry = Geometry(size, kernel, stride, padding, dilation, groups)  # type: ignore[arg-type]
    operands = (x, weight) if bias is None else (x, weight, bias)
    if not (torch.is_grad_enabled() and any(operand.requires_grad for operand in operands)):
        return _convolve(x, weight, bias, geometry)
    return _SketchedConv2d.apply(  # type: ignore[no-any-return]
        x, weight, bias, geometry, sketch, seed
    )


def sketched_conv2d_saved_bytes(shape: torch.Size, dtype: torch.dtype, sketch: Sketch) -> int:
    """Return the bytes that ``sketched_conv2d`` keeps of an input of ``shape`` (N, C, H, W)."""
    return sketch.saved_bytes(_group_shape(shape), dtype)
