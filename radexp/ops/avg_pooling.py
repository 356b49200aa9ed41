"""Average pooling that keeps nothing for its backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.ops.pool_sizes import (
    Size,
    as_flat_pair,
    as_pair,
    gradient_memory,
    memory_format,
    needs_gradient,
)

_avg_backward_ = torch.ops.aten.avg_pool2d_backward.grad_input


class _LeanAvgPool2d(torch.autograd.Function):
    """Means of windows: linear, so that the gradient depends on the input's shape alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *settings: Any) -> Tensor:
        ctx.shape, ctx.memory_format, ctx.settings = x.shape, memory_format(x), settings
        return F.avg_pool2d(x, *settings)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        grad_x = gradient_memory(ctx, g)
        _avg_backward_(g, grad_x, *ctx.settings, grad_input=grad_x)
        return grad_x, *[None] * len(ctx.settings)


def lean_avg_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Average over windows, keeping nothing for the backward pass.

    A mean is linear in its inputs, so its gradient depends on their shape alone: values and
    gradients equal ``torch.nn.functional.avg_pool2d`` bit for bit. That one keeps its whole input.

    Args:
        x: Shape (N, C, H, W) or (C, H, W).
        kernel_size: Of the window, one number or (height, width).
        stride: From one window to the next; ``kernel_size`` if not given.
        padding: Zeros around the input, at most half the kernel.
        ceil_mode: Whether windows may begin inside the input and end outside.
        count_include_pad: Whether the padding counts in the means.
        divisor_override: What to divide sums by, if not by the number of entries.

    Returns:
        Means, shape (N, C, H', W') or (C, H', W').

    Raises:
        RuntimeError: What PyTorch says of settings it does not allow.

    Example:
        >>> x = torch.arange(4.0).view(1, 1, 2, 2).requires_grad_()
        >>> y = lean_avg_pool2d(x, 2)
        >>> y.item(), y.grad_fn.saved_tensors
        (1.5, ())

    Not where a second derivative is wanted: it is refused. Nor where the layer before keeps this
    input anyway, as PyTorch's own ReLU does its output: then both share that storage, and nothing
    is saved. Source: section 4.2, operations whose Jacobian does not depend on the data.
    """
    settings = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    if not needs_gradient(x):
        return F.avg_pool2d(x, *settings)
    kernel = as_pair(kernel_size)
    return _LeanAvgPool2d.apply(  # type: ignore[no-any-return]
        x, kernel, as_pair(stride, kernel), as_pair(padding), *settings[3:]
    )


def lean_avg_pool1d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Average over windows of one dimension: ``lean_avg_pool2d`` with a height of 1.

    Args:
        x: Shape (N, C, L) or (C, L).
        kernel_size: Of the window.
        stride: From one window to the next; ``kernel_size`` if not given.
        padding: Zeros on both sides, at most half the kernel.
        ceil_mode: Whether windows may begin inside the input and end outside.
        count_include_pad: Whether the padding counts in the means.

    Returns:
        Means, shape (N, C, L') or (C, L'), equal to ``torch.nn.functional.avg_pool1d``.

    Raises:
        RuntimeError: What PyTorch says of settings it does not allow.

    Example:
        >>> lean_avg_pool1d(torch.tensor([[1.0, 3.0, 5.0, 7.0]], requires_grad=True), 2).tolist()
        [[2.0, 6.0]]

    Not where a second derivative is wanted: it is refused. Source: as ``lean_avg_pool2d``.
    """
    rest = (ceil_mode, count_include_pad)
    if not needs_gradient(x):
        step = kernel_size if stride is None else stride
        return F.avg_pool1d(x, kernel_size, step, padding, *rest)
    kernel = as_flat_pair(kernel_size, 1)
    sizes = (kernel, as_flat_pair(stride, 1, kernel), as_flat_pair(padding, 0))
    return lean_avg_pool2d(x.unsqueeze(-2), *sizes, *rest).squeeze(-2)


def lean_avg_pool_saved_bytes(shape: torch.Size) -> int:
    """Return the bytes that average pooling keeps of an input of any ``shape``: none."""
    return 0
