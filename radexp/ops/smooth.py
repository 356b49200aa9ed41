"""Smooth nonlinearities that keep a sketch of their derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from radexp.sketches.base import Shape, Sketch

_aten = torch.ops.aten


@dataclass(frozen=True)
class Smooth:
    """A function of each entry, by PyTorch's own operations.

    Attributes:
        apply: Maps x to ``y = f(x)``.
        pull_back: Maps g, x and y to ``g f'(x)``; at g = 1 that is the derivative itself.
    """

    apply: Callable[[Tensor], Tensor]
    pull_back: Callable[[Tensor, Tensor, Tensor], Tensor]


TANH = Smooth(torch.tanh, lambda g, _, y: _aten.tanh_backward(g, y))
SIGMOID = Smooth(torch.sigmoid, lambda g, _, y: _aten.sigmoid_backward(g, y))
SILU = Smooth(F.silu, lambda g, x, _: _aten.silu_backward(g, x))


def gelu(approximate: str) -> Smooth:
    """Return GELU, by the error function (``none``) or by the approximation ``tanh``."""

    def pull_back(g: Tensor, x: Tensor, _: Tensor) -> Tensor:
        return _aten.gelu_backward(g, x, approximate=approximate)  # type: ignore[no-any-return]

    return Smooth(partial(F.gelu, approximate=approximate), pull_back)


class _SketchedSmooth(torch.autograd.Function):
    """``y = f(x)``; keeps a sketch of ``f'(x)``."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, smooth: Smooth, sketch: Sketch, seed: int, in_place: bool
    ) -> Tensor:
        y = smooth.apply(x)
        derivative = smooth.pull_back(torch.ones_like(x), x, y)
        ctx.save_for_backward(*sketch.compress(derivative.reshape(_as_row(x.shape)), seed))
        ctx.sketch, ctx.seed = sketch, seed
        if in_place:
            ctx.mark_dirty(x)
            y = x.copy_(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        derivative = ctx.sketch.restore(ctx.saved_tensors, _as_row(g.shape), ctx.seed)
        return g * derivative.view(g.shape), None, None, None, None


def sketched_smooth(
    x: Tensor, smooth: Smooth, sketch: Sketch, seed: int, in_place: bool = False
) -> Tensor:
    """Apply a smooth nonlinearity, keeping a sketch of its derivative instead of ``x`` or ``y``.

    Values are PyTorch's own. The backward pass gives ``g dhat`` with ``E[dhat] = f'(x)``: linear
    in the one random factor. With seeds of its own for each call it is independent of the random
    factors of other layers, so that every product along a path from a weight to the loss keeps its
    mean, and gradients of the whole network stay unbiased.

    The derivative is sketched, not x: f' of a sketch of x has another mean than f'(x).

    Args:
        x: Floating-point tensor of any shape.
        smooth: The nonlinearity.
        sketch: What to keep of ``f'(x)``, which it sees as one row of all entries.
        seed: Seed of the sketch's draw.
        in_place: Write the result over ``x``, which nothing else may need.

    Returns:
        ``f(x)``, entry by entry.

    Example:
        >>> from radexp.sketches import Rounding
        >>> x = torch.linspace(-1, 1, 1024, requires_grad=True)
        >>> y = sketched_smooth(x, TANH, Rounding(bits=2), seed=0)
        >>> torch.equal(y, x.tanh()), [kept.nbytes for kept in y.grad_fn.saved_tensors]  # of 4096
        (True, [256, 16])

    Not with a sketch of few entries: its noise, many times the derivative, would be multiplied
    from layer to layer. Not where a second derivative is wanted: it is refused. Source: section 7
    names randomized rounding as future work.
    """
    if not (x.requires_grad and torch.is_grad_enabled()):
        y = smooth.apply(x)
        return x.copy_(y) if in_place else y
    return _SketchedSmooth.apply(x, smooth, sketch, seed, in_place)  # type: ignore[no-any-return]


def sketched_smooth_saved_bytes(shape: torch.Size, dtype: torch.dtype, sketch: Sketch) -> int:
    """Return the bytes that ``sketched_smooth`` keeps of an input of ``shape``."""
    return sketch.saved_bytes(_as_row(shape), dtype)


def _as_row(shape: torch.Size) -> Shape:
    return 1, 1, shape.numel()
