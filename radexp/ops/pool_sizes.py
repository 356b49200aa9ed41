"""What the pooling operations share: how PyTorch reads their sizes, and memory for gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from radexp.kernels.geometry import Pair

Size = int | list[int] | tuple[int, ...]


def needs_gradient(x: Tensor) -> bool:
    """Return whether autograd would record what is done to ``x``."""
    return x.requires_grad and torch.is_grad_enabled()


def as_pair(size: Size | None, default: Pair = (0, 0)) -> Pair:
    """Return (height, width) as PyTorch reads a size; what is no pair is for PyTorch to refuse."""
    if size is None:
        return default
    sizes = (size, size) if isinstance(size, int) else tuple(size)
    return (sizes * 2 if len(sizes) == 1 else sizes) or default  # type: ignore[return-value]


def as_flat_pair(size: Size | None, height: int, default: Pair = (0, 0)) -> Pair:
    """Return (height, width) for a size of one dimension."""
    if size is None:
        return default
    widths = (size,) if isinstance(size, int) else tuple(size)
    return (height, *widths) if widths else default  # type: ignore[return-value]


def memory_format(x: Tensor) -> torch.memory_format:
    """Return the layout in which PyTorch's own pooling would write the gradient of ``x``."""
    if x.is_contiguous() or x.dim() != 4:
        return torch.contiguous_format
    channels_last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format


def gradient_memory(ctx: Any, g: Tensor) -> Tensor:
    """Return memory for the gradient of the input.

    PyTorch's backward functions ask for the input too, but look at its shape and layout alone. So
    they are given this memory in its place, before they write to it.
    """
    return torch.empty(ctx.shape, dtype=g.dtype, device=g.device, memory_format=ctx.memory_format)
