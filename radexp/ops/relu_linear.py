"""ReLU and the linear map that follows it as one operation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.ops.linear import as_group, group_shape
from radexp.ops.relu import relu_and_mask
from radexp.packing.bits import select_by_bits
from radexp.sketches.base import Sketch


class _ReLULinear(torch.autograd.Function):
    """``y = max(x, 0) W^T + b``; keeps which entries are alive, and a sketch that may know that."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        sketch: Sketch,
        seed: int,
        in_place: bool,
    ) -> Tensor:
        operand, alive = relu_and_mask(x, in_place)
        if in_place:
            torch.autograd.graph.increment_version(x)
        needed = weight.requires_grad
        kept = sketch.among(alive).compress(as_group(operand), seed) if needed else ()
        ctx.save_for_backward(alive, weight, *kept)
        ctx.sketch, ctx.seed, ctx.shape, ctx.dtype = sketch, seed, group_shape(x.shape), x.dtype
        return F.linear(operand, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        alive, weight, *kept = ctx.saved_tensors
        _, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        # Under autocast g, the sketch, which has x's type, and the weight can have three types.
        g_GNO = as_group(g.to(ctx.dtype))
        grad_weight = None
        if needs_weight:
            sketch = ctx.sketch.among(alive)
            grad_weight = sketch.contract(g_GNO, tuple(kept), ctx.shape, ctx.seed)
        return (
            select_by_bits(g.to(weight.dtype) @ weight, alive),
            grad_weight,
            g_GNO[0].sum(0) if needs_bias else None,
            None,
            None,
            None,
        )


def relu_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    sketch: Sketch,
    seed: int,
    in_place: bool = False,
) -> Tensor:
    """Apply ``y = max(x, 0) W^T + b``, keeping a bit for each entry of ``x`` and a sketch.

    What is kept takes as many bytes as of ``bit_relu`` and ``sketched_linear`` one after the other.
    Here the sketch is told which entries are zero, so that it need not say so again.

    Args:
        x: Inputs that require a gradient, shape (..., D).
        weight: Shape (O, D).
        bias: Shape (O,), or None.
        sketch: What to keep of ``max(x, 0)``.
        seed: Seed of the sketch's draw.
        in_place: Write over ``x``, which nothing else may need.

    Returns:
        Outputs, shape (..., O).

    Example:
        >>> from radexp.sketches import Rounding
        >>> x, w = torch.randn(50, 8, requires_grad=True), torch.ones(2, 8, requires_grad=True)
        >>> relu_linear(x, w, None, Rounding(bits=2), seed=0).shape
        torch.Size([50, 2])

    Source: section 4.2, "ReLU's needs 1 bit per entry".
    """
    return _ReLULinear.apply(  # type: ignore[no-any-return]
        x, weight, bias, sketch, seed, in_place
    )
