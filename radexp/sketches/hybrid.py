"""Sampling and stochastic rounding together: a few bits of a few entries."""

from __future__ import annotations

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import require
from radexp.seeding import derive_seed
from radexp.sketches.base import Kept, Shape, Sketch, num_kept
from radexp.sketches.rounding import Rounding
from radexp.sketches.sampling import Sampling


class Hybrid(Sketch):
    """Sample K = ceil(keep * D) coordinates of each row and round what was sampled to a few bits.

    For S, the sampled values, and their rounding R, drawn from a seed of its own,
    ``E[R(S)] = E[E[R(S) | S]] = E[S]``, so that rescaled R(S) is as unbiased as S. With q the
    variance that rounding gives an entry, an entry of xhat has ``x^2 (D - K) / K + q D / K``: at
    equal bytes, K times bits, few bits win where q is small against x^2 already.

    Without replacement, as all columns are kept when K = D and none of their noise is left.

    Args:
        keep: Kept fraction of the coordinates, 0 < keep < 1.
        bits: Length of a code, 1 to 8.

    Raises:
        UsageError: If a number is out of range.

    Example:
        >>> sketch, x = Hybrid(keep=0.5, bits=1), torch.ones(1, 8, 64)
        >>> [part.nbytes for part in sketch.compress(x, seed=0)]  # of 2048
        [32, 8]

    Not where there is a bit for each entry or more: rounding alone has less noise from them.
    """

    name = "hybrid"

    def __init__(self, keep: float, bits: int) -> None:
        self.sampling = Sampling(keep, replacement=False)
        self.rounding = Rounding(bits)

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Hybrid:
        """Build the sketch from an estimator's settings."""
        assert config.keep is not None
        given, allowed = f"estimator.sketch=hybrid with estimator={config.name}", "estimator=hybrid"
        require(config.bits is not None, given, allowed, "leave it as the estimator's YAML has it")
        assert config.bits is not None
        return cls(config.keep, config.bits)

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return what rounding keeps of the sampled values."""
        (values_GNK,) = self.sampling.compress(x_GND, seed)
        return self.rounding.compress(values_GNK, _of_rounding(seed))

    def entries(self, kept: Kept, shape: Shape, seed: int) -> tuple[Tensor, Tensor]:
        """Return the rounded values, rescaled, and their columns."""
        return self.sampling.entries(self._values(kept, shape, seed), shape, seed)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return the rounded values, rescaled, at their columns and zero elsewhere."""
        return self.sampling.restore(self._values(kept, shape, seed), shape, seed)

    def contract(self, g_GNO: Tensor, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``sum_G g^T xhat``, as sampling does."""
        return self.sampling.contract(g_GNO, self._values(kept, shape, seed), shape, seed)

    def _values(self, kept: Kept, shape: Shape, seed: int) -> Kept:
        """Return the rounded values, as sampling would have kept the values themselves."""
        return (self.rounding.restore(kept, self._sampled(shape), _of_rounding(seed)),)

    def _sampled(self, shape: Shape) -> Shape:
        G, N, D = shape
        return G, N, num_kept(self.sampling.keep, D)

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return what rounding keeps of G N K entries."""
        return self.rounding.saved_bytes(self._sampled(shape), dtype)

    def __repr__(self) -> str:
        return f"Hybrid(keep={self.sampling.keep}, bits={self.rounding.bits})"


def _of_rounding(seed: int) -> int:
    """Return the seed of rounding; sampling has the sketch's own."""
    return derive_seed(seed, "rounding")
