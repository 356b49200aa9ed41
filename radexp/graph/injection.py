"""Random matrix injection: multiply what flows backward by a random P with E[P] = I."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from radexp.sketches import Sketch


def project_rows(g_ND: Tensor, sketch: Sketch, seed: int) -> Tensor:
    """Return ``g P``, or for sketches with a draw for each row, every row times a P of its own.

    A sketch of keep = k / D has ``P = R R^T`` with R of shape (D, k) and E[P] = I: sampled
    coordinates, ``P = (D / k) sum_s e_s e_s^T``, or signs, ``R = +-1 / sqrt(k)``. Any other sketch
    takes the place of ``g P`` by its own unbiased stand-in for g.

    Args:
        g_ND: What to project.
        sketch: What keeps k numbers of each row.
        seed: Of the draw.

    Example:
        >>> from radexp.sketches import Sampling
        >>> project_rows(torch.ones(1, 4), Sampling(0.25), seed=0).sum().item()
        4.0

    Source: section 3.2 of the paper.
    """
    return project_groups(g_ND.unsqueeze(0), sketch, seed)[0]


def project_groups(g_GND: Tensor, sketch: Sketch, seed: int) -> Tensor:
    """Return ``project_rows`` of each group, with fresh draws for each of them.

    Args:
        g_GND: What to project.
        sketch: What keeps k numbers of each row.
        seed: Of all draws.

    Example:
        >>> from radexp.sketches import Sampling
        >>> project_groups(torch.ones(9, 1, 4), Sampling(0.25), seed=0).sum(dim=2).unique().tolist()
        [4.0]

    Source: section 3.2 of the paper.
    """
    (G, N, D) = g_GND.shape
    return sketch.restore(sketch.compress(g_GND, seed), (G, N, D), seed)


class _Injection(torch.autograd.Function):
    """The identity, whose Jacobian is replaced by P."""

    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, sketch: Sketch, seed: int) -> Tensor:
        ctx.sketch, ctx.seed = sketch, seed
        return x_ND.view_as(x_ND)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (g_ND,) = gradients
        return project_rows(g_ND, ctx.sketch, ctx.seed), None, None


def inject(x_ND: Tensor, sketch: Sketch, seed: int) -> Tensor:
    """Return ``x`` itself, whose gradient will be multiplied by a random matrix.

    Backward, ``dC/dx`` becomes ``(dC/dx) P`` with E[P] = I: the gradient of whatever x was computed
    from stays unbiased if injections have independent seeds.

    Args:
        x_ND: N rows (examples) of D features.
        sketch: What P is, as in ``project_rows``.
        seed: Of the draw.

    Returns:
        The same numbers.

    Example:
        >>> from radexp.sketches import Sampling
        >>> x = torch.ones(1, 4, requires_grad=True)
        >>> inject(x, Sampling(0.25), seed=0).sum().backward()
        >>> sorted(x.grad.flatten().tolist())
        [0.0, 0.0, 0.0, 4.0]

    Not for training deep networks: injected at every layer, the variance grows exponentially with
    depth (docs/graph.md). Sketch layer inputs instead, with ``radexp.randomize``.

    Source: section 3.2 of the paper, dC/dB -> (dC/dB) P.
    """
    result: Tensor = _Injection.apply(x_ND, sketch, seed)
    return result
