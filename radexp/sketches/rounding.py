"""Stochastic rounding: keep a few bits of every entry."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import require
from radexp.packing.rounded import pack_rounded, rounded_bytes, unpack_rounded
from radexp.packing.rounded_alive import pack_alive, unpack_alive
from radexp.sketches.base import Kept, Shape, Sketch


class Rounding(Sketch):
    """Round every entry, up or down at random, to one of ``2 ** bits`` levels.

    The levels of 512 successive entries are ``low + q step``, q = 0 ... 2^bits - 1, from their
    least to their largest. With ``t = (x - low) / step`` and u uniform in [0, 1), the kept code is
    ``q = floor(t + u)``, so that ``E[q] = t`` and ``E[low + q step] = x``. Its variance,
    ``step^2 f (1 - f)`` for the fraction f of t, is at most ``step^2 / 4``: a quarter of it for
    each further bit, where sampling has no more than half of it from twice the bytes.

    The scales are kept, the random numbers are not: they are needed once. Where codes and scales
    would take no less than the matrix, the matrix is kept.

    Args:
        bits: Length of a code, 1 to 8.

    Raises:
        UsageError: If ``bits`` is out of range.

    Example:
        >>> sketch, x = Rounding(bits=2), torch.linspace(0, 1, 64).view(1, 1, 64)
        >>> [part.nbytes for part in sketch.compress(x, seed=0)]  # of 256
        [16, 8]
        >>> mean = sum(sketch.restore(sketch.compress(x, s), (1, 1, 64), s) for s in range(4000))
        >>> torch.allclose(mean / 4000, x, atol=0.02)
        True

    In bfloat16 a restored level is rounded to the nearest number that there is, as every result in
    it: at many bits, where levels are closer than those numbers, that bias of up to half a unit in
    the last place is larger than the noise.

    Not for the input of a nonlinearity, whose derivative would be biased: round the derivative, as
    ``radexp.ops.smooth`` does. Not for entries whose range is no finite number; what is restored of
    their group is NaN.
    Source: section 7 names randomized rounding as future work; the scheme is that of Gupta et al.,
    Deep learning with limited numerical precision, ICML 2015.
    """

    name = "rounding"
    free = "bits"
    serves_derivatives = True

    def __init__(self, bits: int) -> None:
        require(1 <= bits <= 8, f"bits={bits}", "1 to 8", "use Exact() to keep it all")
        self.bits = bits

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Rounding:
        """Build the sketch from an estimator's settings."""
        assert config.bits is not None
        return cls(config.bits)

    def among(self, alive: Tensor) -> Sketch:
        """Return the rounding of the entries that are not zero, to more bits each."""
        return AliveRounding(self.bits, alive)

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return the packed codes, and the lowest level and the step of each group (groups, 2)."""
        if not self._pays(x_GND.shape, x_GND.dtype):
            return (x_GND,)
        return self._pack(x_GND.detach().reshape(-1), seed)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return the level of each entry's code."""
        if len(kept) == 1:
            return kept[0]
        packed, scales = kept
        return self._unpack(packed, scales, math.prod(shape)).view(shape)

    def _pack(self, entries: Tensor, seed: int) -> Kept:
        return pack_rounded(entries, self.bits, seed)

    def _unpack(self, packed: Tensor, scales: Tensor, count: int) -> Tensor:
        return unpack_rounded(packed, scales, self.bits, count)

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``ceil(M bits / 8) + 2 ceil(M / 512) itemsize`` for ``M = G N D``, at most M's."""
        count = math.prod(shape)
        return min(rounded_bytes(count, self.bits, dtype.itemsize), count * dtype.itemsize)

    def _pays(self, shape: torch.Size, dtype: torch.dtype) -> bool:
        count = math.prod(shape)
        return rounded_bytes(count, self.bits, dtype.itemsize) < count * dtype.itemsize

    def __repr__(self) -> str:
        return f"Rounding(bits={self.bits})"


class AliveRounding(Rounding):
    """Rounding for who knows which entries are not zero: only those get bits.

    It keeps as many bytes as ``Rounding``. Of 512 entries that share ``512 bits`` bits, n of them
    not zero, each of the n gets ``floor(512 bits / n)`` bits, at most 8, some one bit more, and
    levels between the least and the largest of the n: of the output of a ReLU, half of it zero,
    two bits for one.

    Args:
        bits: Length of a code where no entry is zero, 1 to 8.
        alive: Which entries of the matrix are not zero, from ``pack_bits``.

    Example:
        >>> x = torch.tensor([0.0, 1.0, 2.0, 0.0, 3.0, 0.0, 4.0, 0.0] * 8).view(1, 1, 64)
        >>> from radexp.packing import pack_bits
        >>> sketch = Rounding(bits=1).among(pack_bits(x))
        >>> restored = sketch.restore(sketch.compress(x, seed=0), (1, 1, 64), seed=0)
        >>> torch.allclose(restored, x)  # with 2 bits for an entry it has every level
        True
    """

    def __init__(self, bits: int, alive: Tensor) -> None:
        super().__init__(bits)
        self.alive = alive

    def _pack(self, entries: Tensor, seed: int) -> Kept:
        return pack_alive(entries, self.alive, self.bits, seed)

    def _unpack(self, packed: Tensor, scales: Tensor, count: int) -> Tensor:
        return unpack_alive(packed, scales, self.alive, self.bits, count)
