"""ReLU that keeps one bit per entry for its backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.kernels import masks, serves
from radexp.packing.bits import pack_bits, packed_bytes, select_by_bits


def relu_and_mask(x: Tensor, in_place: bool) -> tuple[Tensor, Tensor]:
    """Return ``max(x, 0)`` and one bit for each of its entries, whether it is alive.

    Alive is "not 0" rather than "above 0": a NaN passes its gradient on, as in PyTorch's.

    Args:
        x: Floating-point tensor of any shape.
        in_place: Write over ``x``, which autograd is not told.
    """
    if serves(x) and x.is_contiguous():
        y = x if in_place else torch.empty_like(x)
        return y, masks.relu_and_pack(x, y)
    y = x.relu_() if in_place else F.relu(x)
    return y, pack_bits(y)


class _BitReLU(torch.autograd.Function):
    """``y = max(x, 0)``; keeps which entries are alive."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, in_place: bool) -> Tensor:
        y, packed = relu_and_mask(x, in_place)
        if in_place:
            ctx.mark_dirty(x)
            torch.autograd.graph.increment_version(x)
        ctx.save_for_backward(packed)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (packed,) = ctx.saved_tensors
        return select_by_bits(g, packed), None


def bit_relu(x: Tensor) -> Tensor:
    """Apply ReLU, keeping ceil(numel / 8) bytes instead of the whole output.

    The derivative is 0 or 1, so one bit per entry holds it exactly: values and gradients equal
    ``torch.nn.functional.relu`` bit for bit.

    Args:
        x: Floating-point tensor of any shape.

    Returns:
        ``max(x, 0)``, entry by entry.

    Example:
        >>> bit_relu(torch.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]

    Not where the next layer keeps this output whole anyway: PyTorch's own ReLU then shares that
    storage and costs nothing. Source: section 4.2, "ReLU's needs 1 bit per entry".
    """
    if not (x.requires_grad and torch.is_grad_enabled()):
        return F.relu(x)
    return _BitReLU.apply(x, False)  # type: ignore[no-any-return]


def bit_relu_(x: Tensor) -> Tensor:
    """Apply ``bit_relu`` in place, which takes no memory for the result.

    Args:
        x: Floating-point tensor of any shape that nothing else needs, and no leaf.

    Returns:
        ``x`` itself.

    Raises:
        RuntimeError: If ``x`` is a leaf that requires a gradient; and in the backward pass, if an
            operation before kept ``x``.

    Example:
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> bit_relu_(x * 3).tolist()
        [0.0, 6.0]
    """
    if not (x.requires_grad and torch.is_grad_enabled()):
        return F.relu_(x)
    return _BitReLU.apply(x, True)  # type: ignore[no-any-return]


def bit_relu_saved_bytes(shape: torch.Size) -> int:
    """Return the bytes that ``bit_relu`` keeps of an input of ``shape``."""
    return packed_bytes(shape.numel())
