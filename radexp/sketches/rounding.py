"""Stochastic rounding: keep a few bits of every entry."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import require
from radexp.kernels import serves
from radexp.kernels.rounding import GROUP, MULTIPLIERS, codes_to_values, round_to_codes
from radexp.packing import code_bytes, pack_codes, unpack_codes
from radexp.sketches.base import Kept, Shape, Sketch

# Entries in flight at a time, where no compiled loop takes them one by one.
BLOCK = 2**10 * GROUP
_LOW_HALF = 2**32 - 1


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

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return the packed codes, and the lowest level and the step of each group (groups, 2)."""
        if not self._pays(x_GND.shape, x_GND.dtype):
            return (x_GND,)
        entries = x_GND.detach().reshape(-1)
        packed = entries.new_empty(code_bytes(len(entries), self.bits), dtype=torch.uint8)
        scales = entries.new_empty(_num_groups(len(entries)), 2)
        keys = seed & _LOW_HALF, seed >> 32
        if serves(entries):
            round_to_codes(entries, packed, scales, self.bits, keys)
            return packed, scales
        for block, codes, groups in self._blocks(len(entries)):
            rounded, scales[groups] = round_block(entries[block], self.bits, keys, block.start)
            packed[codes] = pack_codes(rounded, self.bits)
        return packed, scales

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return the level of each entry's code."""
        if len(kept) == 1:
            return kept[0]
        packed, scales = kept
        entries = scales.new_empty(math.prod(shape))
        if serves(entries):
            codes_to_values(packed, scales, self.bits, entries)
            return entries.view(shape)
        for block, codes, groups in self._blocks(len(entries)):
            count = block.stop - block.start
            of_entry = scales[groups].repeat_interleave(GROUP, 0)[:count]
            levels = unpack_codes(packed[codes], count, self.bits)
            entries[block] = of_entry[:, 0] + levels * of_entry[:, 1]
        return entries.view(shape)

    def _blocks(self, count: int) -> Iterator[tuple[slice, slice, slice]]:
        """Yield slices of so many entries, and those of their codes' bytes and of their groups."""
        for start in range(0, count, BLOCK):
            stop = min(count, start + BLOCK)
            codes = slice(start * self.bits // 8, code_bytes(stop, self.bits))
            yield slice(start, stop), codes, slice(start // GROUP, _num_groups(stop))

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``ceil(M bits / 8) + 2 ceil(M / 512) itemsize`` for ``M = G N D``, at most M's."""
        return min(self._rounded_bytes(shape, dtype), math.prod(shape) * dtype.itemsize)

    def _pays(self, shape: torch.Size | Shape, dtype: torch.dtype) -> bool:
        return self._rounded_bytes(shape, dtype) < math.prod(shape) * dtype.itemsize

    def _rounded_bytes(self, shape: torch.Size | Shape, dtype: torch.dtype) -> int:
        count = math.prod(shape)
        return code_bytes(count, self.bits) + 2 * _num_groups(count) * dtype.itemsize

    def __repr__(self) -> str:
        return f"Rounding(bits={self.bits})"


def _num_groups(count: int) -> int:
    """Return how many groups so many entries fill, the last perhaps in part."""
    return -(-count // GROUP)


def round_block(
    entries: Tensor, bits: int, keys: tuple[int, int], first: int = 0
) -> tuple[Tensor, Tensor]:
    """Round whole groups of entries, the last one perhaps short.

    Args:
        entries: Shape (M,), any floating-point dtype and device.
        bits: Length of a code.
        keys: Two halves of the seed, each below ``2 ** 32``.
        first: Place of the first entry, which its random number depends on.

    Returns:
        Codes, uint8 (M,), and the lowest level and the step of each group, of the entries' dtype.
    """
    missing = -len(entries) % GROUP
    padded = torch.cat([entries, entries[-1:].expand(missing)]).view(-1, GROUP)
    lows, highs = padded.aminmax(dim=1)
    # The steps are a little too long, so that no rounding puts an entry above the top level.
    stretch, top = 1 + 2 * torch.finfo(entries.dtype).eps, 2**bits - 1
    wide = torch.promote_types(entries.dtype, torch.float32)
    scales = torch.stack([lows, ((highs.to(wide) - lows) * (stretch / top)).to(lows.dtype)], 1)
    low, step = scales.to(wide).repeat_interleave(GROUP, 0)[: len(entries)].unbind(1)
    levels = (entries - low) / torch.where(step > 0, step, low - low + 1)
    levels += _uniforms(first, len(entries), keys, entries.device).to(wide)
    return torch.where(levels < top, levels, top).to(torch.uint8), scales


def _uniforms(first: int, count: int, keys: tuple[int, int], device: torch.device) -> Tensor:
    """Return multiples of 2^-24 in [0, 1), a function of the place and the seed alone."""
    golden, *others = MULTIPLIERS
    numbers = torch.arange(first, first + count, device=device)
    numbers = (numbers * golden + keys[0]) & _LOW_HALF
    for shift, multiplier, key in zip((16, 15, 16), others, (0, 0, keys[1]), strict=True):
        numbers ^= (numbers >> shift) ^ key
        numbers = (numbers * multiplier) & _LOW_HALF
    numbers ^= numbers >> 16
    return (numbers >> 8).float() * 2.0**-24
