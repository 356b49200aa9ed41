"""Dropout that keeps one bit per entry for its backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.packing.bits import pack_bits, packed_bytes, unpack_bits


class _BitDropout(torch.autograd.Function):
    """``y = x m / (1 - p)`` with m of 0 and 1; keeps m."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        # The same draws and the same roundings as PyTorch's on a CPU.
        mask = torch.empty_like(x).bernoulli_(1 - p)
        ctx.save_for_backward(pack_bits(mask))
        ctx.p = p
        return mask.div_(1 - p).mul_(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (packed,) = ctx.saved_tensors
        return unpack_bits(packed, g.shape, g.dtype).div_(1 - ctx.p).mul_(g), None


def bit_dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Set entries to zero with probability ``p``, keeping one bit per entry.

    ``y = x m / (1 - p)``, with m one where an entry stays, so that E[y] = x. Its derivative
    ``m / (1 - p)`` takes two values. On a CPU values and gradients equal
    ``torch.nn.functional.dropout`` bit for bit under the same state of PyTorch's generator; that
    one keeps the derivative as a number of the input's type, 32 times as much for float32. On
    CUDA, where PyTorch keeps a byte an entry, the distribution is the same, the draws are others.

    Args:
        x: Floating-point tensor of any shape.
        p: Probability of a zero, in [0, 1].
        training: If false, ``x`` is returned.

    Returns:
        The entries that stay, times 1 / (1 - p), of the shape of ``x``.

    Raises:
        ValueError: If ``p`` is no probability, in PyTorch's words.

    Example:
        >>> x = torch.ones(1000, requires_grad=True)
        >>> y = bit_dropout(x, p=0.75)
        >>> sorted(set(y.tolist())), [kept.nbytes for kept in y.grad_fn.saved_tensors]
        ([0.0, 4.0], [125])

    Not where a second derivative is wanted: it is refused. Source: section 4.2, as for ReLU's one
    bit an entry.
    """
    needed = x.requires_grad and torch.is_grad_enabled()
    if not (needed and training and 0 < p < 1):
        return F.dropout(x, p, training)
    return _BitDropout.apply(x, p)  # type: ignore[no-any-return]


def bit_dropout_saved_bytes(
    shape: torch.Size, dtype: torch.dtype, p: float, training: bool = True
) -> int:
    """Return the bytes that ``bit_dropout`` keeps of an input of ``shape`` and ``dtype``.

    ceil(numel / 8); for p = 1 the one zero that PyTorch multiplies by; else nothing.
    """
    if not training or p == 0 or shape.numel() == 0:
        return 0
    return dtype.itemsize if p == 1 else packed_bytes(shape.numel())
