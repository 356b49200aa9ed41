"""Max pooling that keeps a few bits an output for its backward pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.kernels.geometry import Pair
from radexp.ops.pool_sizes import (
    Size,
    as_flat_pair,
    as_pair,
    gradient_memory,
    memory_format,
    needs_gradient,
)
from radexp.ops.windows import Windows
from radexp.packing.codes import code_bytes

_max_with_indices = torch.ops.aten.max_pool2d_with_indices.default
_max_backward_ = torch.ops.aten.max_pool2d_with_indices_backward.grad_input
# Indices that exist at a time in the backward pass: 2 MB, little enough to stay in the cache.
_PART = 2**18

Sizes = tuple[Pair, Pair, Pair, Pair]


class _LeanMaxPool2d(torch.autograd.Function):
    """Maxima of windows; keeps which entry of its window each one was."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *settings: Any) -> Tensor:
        y, indices = _max_with_indices(x, *settings)
        ctx.windows = Windows((x.shape[-2], x.shape[-1]), *settings)
        ctx.shape, ctx.memory_format, ctx.settings = x.shape, memory_format(x), settings
        channels_last = ctx.memory_format is torch.channels_last
        ctx.save_for_backward(ctx.windows.pack(indices, channels_last))
        return y  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        (packed,) = ctx.saved_tensors
        grad_x = gradient_memory(ctx, g)
        channels_last = ctx.memory_format is torch.channels_last
        for part, taken in _parts(ctx.windows, g.shape):
            g_part, grad_part = g[part], grad_x[part]
            indices = ctx.windows.unpack(packed[taken], g_part.shape, channels_last)
            _max_backward_(g_part, grad_part, *ctx.settings, indices, grad_input=grad_part)
        return grad_x, *[None] * len(ctx.settings)


def _parts(windows: Windows, shape: torch.Size) -> Iterator[tuple[slice, slice]]:
    """Yield slices of the examples, and of the packed bytes, so that int64 indices stay few.

    Eight examples or a multiple fill whole bytes, whatever the length of a code.
    """
    batched = len(shape) == 4 and windows.bits <= 8
    an_example = math.prod(shape[1:])
    count = max(_PART // max(an_example, 1) // 8, 1) * 8 if batched else max(shape[0], 1)
    for start in range(0, shape[0], count):
        ends = start, min(start + count, shape[0])
        yield slice(*ends), slice(*(code_bytes(end * an_example, windows.bits) for end in ends))


def _sizes(kernel_size: Size, stride: Size | None, padding: Size, dilation: Size) -> Sizes:
    """Return kernel, stride, padding and dilation as pairs."""
    kernel = as_pair(kernel_size)
    return kernel, as_pair(stride, kernel), as_pair(padding), as_pair(dilation)


def _flat_sizes(kernel_size: Size, stride: Size | None, padding: Size, dilation: Size) -> Sizes:
    """Return those of one dimension as pairs of a height of 1."""
    kernel = as_flat_pair(kernel_size, 1)
    return (
        kernel,
        as_flat_pair(stride, 1, kernel),
        as_flat_pair(padding, 0),
        as_flat_pair(dilation, 1),
    )


def lean_max_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Take the maximum over windows, keeping for each which entry of its window it was.

    The derivative is 1 at that entry and 0 elsewhere, so ceil(log2(k)) bits an output hold it
    exactly for windows of k entries: values and gradients equal
    ``torch.nn.functional.max_pool2d`` bit for bit, ties and NaN included. That one keeps its whole
    input and 64 bits an output.

    Args:
        x: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Of the window, one number or (height, width).
        stride: From one window to the next; ``kernel_size`` if not given.
        padding: Minus infinities around the input, at most half the kernel.
        dilation: From one entry of a window to the next.
        ceil_mode: Whether windows may begin inside the input and end outside.

    Returns:
        Maxima, shape (N, C, H', W') or (C, H', W').

    Raises:
        RuntimeError: What PyTorch says of settings it does not allow.

    Example:
        >>> x = torch.arange(64.0).view(1, 1, 8, 8).requires_grad_()
        >>> y = lean_max_pool2d(x, 2)
        >>> y.numel(), [kept.nbytes for kept in y.grad_fn.saved_tensors]
        (16, [4])

    Not where a second derivative is wanted: it is refused. Not where the indices themselves are:
    ``return_indices`` is PyTorch's. Source: section 4.2, as for ReLU's one bit an entry.
    """
    if not needs_gradient(x):
        return F.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    sizes = _sizes(kernel_size, stride, padding, dilation)
    return _LeanMaxPool2d.apply(x, *sizes, ceil_mode)  # type: ignore[no-any-return]


def lean_max_pool1d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Take the maximum over windows of one dimension: ``lean_max_pool2d`` with a height of 1.

    Args:
        x: Shape (N, C, L) or (C, L).
        kernel_size: Of the window.
        stride: From one window to the next; ``kernel_size`` if not given.
        padding: Minus infinities on both sides, at most half the kernel.
        dilation: From one entry of a window to the next.
        ceil_mode: Whether windows may begin inside the input and end outside.

    Returns:
        Maxima, shape (N, C, L') or (C, L'), equal to ``torch.nn.functional.max_pool1d``.

    Raises:
        RuntimeError: What PyTorch says of settings it does not allow.

    Example:
        >>> lean_max_pool1d(torch.tensor([[1.0, 3.0, 7.0, 5.0]], requires_grad=True), 2).tolist()
        [[3.0, 7.0]]

    Not where a second derivative is wanted: it is refused. Source: as ``lean_max_pool2d``.
    """
    if not needs_gradient(x):
        return F.max_pool1d(x, kernel_size, stride, padding, dilation, ceil_mode)
    sizes = _flat_sizes(kernel_size, stride, padding, dilation)
    return lean_max_pool2d(x.unsqueeze(-2), *sizes, ceil_mode).squeeze(-2)


def lean_max_pool2d_saved_bytes(
    shape: torch.Size,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> int:
    """Return the bytes that ``lean_max_pool2d`` keeps of an input of ``shape``.

    ceil(M * ceil(log2(k)) / 8) for M outputs of windows of k entries.
    """
    sizes = _sizes(kernel_size, stride, padding, dilation)
    return Windows((shape[-2], shape[-1]), *sizes, ceil_mode).saved_bytes(math.prod(shape[:-2]))


def lean_max_pool1d_saved_bytes(
    shape: torch.Size,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> int:
    """Return the bytes that ``lean_max_pool1d`` keeps of an input of ``shape``."""
    sizes = _flat_sizes(kernel_size, stride, padding, dilation)
    image = torch.Size([*shape[:-1], 1, shape[-1]])
    return lean_max_pool2d_saved_bytes(image, *sizes, ceil_mode)
