"""Rademacher projection: keep a few random combinations of the columns."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import UsageError
from radexp.seeding import generator
from radexp.sketches.base import Kept, Shape, Sketch, num_kept


class Projection(Sketch):
    """Keep ``x R`` with R in {-1, +1}^{D x K} / sqrt(K), one R for all rows of a group.

    ``xhat = x R R^T`` and ``E[R R^T] = I``: a diagonal entry is the sum of K terms 1/K, an
    off-diagonal entry the mean of K products of independent signs, each of mean zero. R comes
    from the seed and costs no bytes.

    Args:
        keep: Kept fraction, 0 < keep < 1 (at 1 the sketch is ``Exact`` by definition).

    Raises:
        UsageError: If ``keep`` is out of range.

    Example:
        >>> Projection(0.5).compress(torch.ones(1, 3, 8), seed=0)[0].shape
        torch.Size([1, 3, 4])

    Not for rows with few large entries: sampling keeps zeros zero, a projection spreads every
    entry over all columns. Source: section 3.2 and the appendix's "project" experiments.
    """

    name = "projection"

    def __init__(self, keep: float) -> None:
        if not 0 < keep < 1:
            raise UsageError(f"keep={keep}: allowed is 0 < keep < 1; use Exact() to keep it all")
        self.keep = keep

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Projection:
        """Build the sketch from an estimator's settings."""
        assert config.keep is not None
        return cls(config.keep)

    def _signs(self, shape: Shape, seed: int, like: Tensor) -> Tensor:
        """Draw sqrt(K) R again from the seed, shape (G, K, D)."""
        G, _, D = shape
        return random_signs((G, num_kept(self.keep, D), D), seed, like)

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return ``x R / sqrt(K)``, with R of signs: that is ``x R R^T`` short of its last factor.

        The whole scale 1 / K is put here, once, on the smaller matrix.
        """
        x_GND = x_GND.detach()
        G, N, D = x_GND.shape
        signs_GKD = self._signs((G, N, D), seed, x_GND)
        products_GNK = x_GND.new_empty(G, N, signs_GKD.shape[1])
        # Written to a tensor of x's type, since autocast would choose a type of its own.
        torch.matmul(x_GND, signs_GKD.transpose(1, 2), out=products_GNK)
        return (products_GNK.div_(signs_GKD.shape[1]),)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``xhat = x R R^T``."""
        return kept[0] @ self._signs(shape, seed, kept[0])

    def contract(self, g_GNO: Tensor, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``sum_G (g^T x R) R^T``, at about the kept fraction of the dense cost."""
        products_OGK = (g_GNO.transpose(1, 2) @ kept[0]).transpose(0, 1)
        signs_GKD = self._signs(shape, seed, kept[0])
        return products_OGK.flatten(1) @ signs_GKD.flatten(0, 1)

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``G * N * K * itemsize``."""
        G, N, D = shape
        return G * N * num_kept(self.keep, D) * dtype.itemsize

    def __repr__(self) -> str:
        return f"Projection(keep={self.keep})"


def random_signs(shape: tuple[int, ...], seed: int, like: Tensor) -> Tensor:
    """Draw independent signs, each -1 or +1 with probability one half.

    Eight signs come from each random byte through a table, which is several times cheaper than
    one random number for each.

    Args:
        shape: Shape of the result.
        seed: Seed of the draw; the same seed gives the same signs.
        like: Tensor whose dtype and device the result takes.

    Example:
        >>> random_signs((2, 3), 0, torch.zeros(1)).abs().sum().item()
        6.0
    """
    count = torch.Size(shape).numel()
    words = torch.empty(-(-count // 64), dtype=torch.int64, device=like.device)
    words.random_(-(2**63), None, generator=generator(seed, like.device))
    signs = _signs_of_byte(like.dtype, like.device).index_select(0, words.view(torch.uint8).int())
    return signs.flatten()[:count].view(shape)


@cache
def _signs_of_byte(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the constant (256, 8) table of the signs that the bits of each byte stand for."""
    byte = torch.arange(256, device=device).unsqueeze(1)
    return ((byte >> torch.arange(8, device=device)) & 1).to(dtype).mul_(2).sub_(1)
