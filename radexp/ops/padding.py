"""Padding that keeps nothing for its backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class _LeanPad(torch.autograd.Function):
    """Copies of entries: linear, so that the gradient depends on the input's shape alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, margins: tuple[int, ...], mode: str) -> Tensor:
        ctx.shape, ctx.margins, ctx.mode = x.shape, margins, mode
        return F.pad(x, margins, mode)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        # Of x only the shape matters: one element stands for all.
        like_x = g.new_zeros(1).expand(ctx.shape).requires_grad_()
        with torch.enable_grad():
            y = F.pad(like_x, ctx.margins, ctx.mode)
        return torch.autograd.grad(y, like_x, g)[0], None, None


def lean_pad(x: Tensor, margins: tuple[int, ...], mode: str = "constant") -> Tensor:
    """Pad as ``torch.nn.functional.pad`` does, keeping nothing for the backward pass.

    Every entry of the result is a copy of one of ``x`` or zero, so that the gradient, which adds
    up over copies, depends on the shape alone. PyTorch's ``reflect`` and ``replicate`` keep their
    whole input for its shape; its other modes keep nothing, and are used as they are.

    Args:
        x: Shape (N, C, L), (N, C, H, W), or without N.
        margins: Entries before and after, of the last dimension first.
        mode: ``constant``, ``reflect``, ``replicate`` or ``circular``.

    Returns:
        The padded tensor; values and gradients equal PyTorch's bit for bit.

    Raises:
        RuntimeError: What PyTorch says of margins it does not allow.

    Example:
        >>> x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
        >>> lean_pad(x, (2, 0), "reflect").tolist()
        [[3.0, 2.0, 1.0, 2.0, 3.0]]

    Source: section 4.2, operations whose Jacobian does not depend on the data.
    """
    needed = x.requires_grad and torch.is_grad_enabled()
    if not (needed and mode in ("reflect", "replicate")):
        return F.pad(x, margins, mode)
    return _LeanPad.apply(x, margins, mode)  # type: ignore[no-any-return]
