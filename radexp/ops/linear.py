"""A linear map that keeps a sketch of its input."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.sketches.base import Shape, Sketch


def as_group(tensor: Tensor) -> Tensor:
    """View a tensor with any leading dimensions as one group: (..., D) -> (1, N, D)."""
    return tensor.reshape(1, -1, tensor.shape[-1])


def group_shape(shape: torch.Size) -> Shape:
    """Return the shape of ``as_group`` of a tensor of ``shape``."""
    return 1, math.prod(shape[:-1]), shape[-1]


class _SketchedLinear(torch.autograd.Function):
    """``y = x W^T + b``; keeps W, a parameter, and a sketch of x for ``dW = g^T x``."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, sketch: Sketch, seed: int
    ) -> Tensor:
        kept = sketch.compress(as_group(x), seed) if weight.requires_grad else ()
        ctx.save_for_backward(weight if x.requires_grad else None, *kept)
        ctx.sketch, ctx.seed, ctx.shape, ctx.dtype = sketch, seed, group_shape(x.shape), x.dtype
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        weight, *kept = ctx.saved_tensors
        needs_x, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        # Under autocast g, the sketch, which has x's type, and the weight can have three types.
        g_GNO = as_group(g.to(ctx.dtype))
        return (
            g.to(weight.dtype) @ weight if needs_x else None,
            ctx.sketch.contract(g_GNO, tuple(kept), ctx.shape, ctx.seed) if needs_weight else None,
            g_GNO[0].sum(0) if needs_bias else None,
            None,
            None,
        )


def sketched_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, sketch: Sketch, seed: int
) -> Tensor:
    """Apply ``y = x W^T + b``, keeping a sketch of ``x`` instead of ``x``.

    The gradients of ``x`` and ``b`` are exact. That of ``W`` is ``g^T xhat`` with
    ``E[xhat] = x``: linear in the one random factor, so unbiased.

    Args:
        x: Inputs, shape (..., D).
        weight: Shape (O, D).
        bias: Shape (O,), or None.
        sketch: What to keep of ``x``.
        seed: Seed of the sketch's draw.

    Returns:
        Outputs, shape (..., O).

    Example:
        >>> from radexp.sketches import Sampling
        >>> x, w = torch.ones(5, 8), torch.ones(2, 8, requires_grad=True)
        >>> sketched_linear(x, w, None, Sampling(0.25), seed=0).shape
        torch.Size([5, 2])

    Source: section 4.2, dW from a sketched layer input.
    """
    operands = (x, weight) if bias is None else (x, weight, bias)
    if not (torch.is_grad_enabled() and any(operand.requires_grad for operand in operands)):
        return F.linear(x, weight, bias)
    return _SketchedLinear.apply(x, weight, bias, sketch, seed)  # type: ignore[no-any-return]


def sketched_linear_saved_bytes(shape: torch.Size, dtype: torch.dtype, sketch: Sketch) -> int:
    """Return the bytes that ``sketched_linear`` keeps of an input of ``shape``."""
    return sketch.saved_bytes(group_shape(shape), dtype)
