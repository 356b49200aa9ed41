"""Importance sampling: where large entries are, and nothing of their values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import require
from radexp.kernels import serves
from radexp.kernels.quanta import add_quanta, place_quanta
from radexp.packing.positions import (
    PositionCode,
    largest_code,
    least_bits,
    pack_positions,
    unpack_positions,
)
from radexp.seeding import generator
from radexp.sketches.base import Kept, Shape, Sketch

# Entries that share one scale and one random number, at most.
BLOCK = 2048
_LAST_BIT = 128


class Importance(Sketch):
    """Sample K entries of each block by their size; keep where they are, and one scale for all.

    Entries of a block are ``c + y``, with c = 0 or their least, and ``s = sum |y|``. With the sums
    ``S_d = |y_1| + ... + |y_d|`` and one u, uniform in [0, 1), entry d is chosen
    ``n_d = floor(K S_d / s + u) - floor(K S_{d-1} / s + u)`` times and ``xhat_d = c + sign(y_d) n_d
    s / K``. As ``E[floor(t + u)] = t``, ``E[n_d] = K |y_d| / s`` and ``E[xhat_d] = x_d``. All n_d
    add up to K. With the step s / K and f the fraction of |y_d| / step, an entry's variance is
    ``step^2 f (1 - f)``: 0 for zeros, and of small entries ``|y_d| (step - |y_d|)`` in place of
    the ``x_d^2 (D - K) / K`` of sampling.

    A value is a whole number of steps, so that places alone are kept: about 2 + log2(n / K) bits
    for each of K in n entries, where a sampled float32 has 32. Where entries have both signs and
    this takes fewer steps, c = 0 and a place has a bit more, the sign; else c is the least.

    Args:
        keep: Part of the bytes of the matrix to keep, 0 < keep < 1 (at 1 the sketch is ``Exact``
            by definition); K is what fits in them.

    Raises:
        UsageError: If ``keep`` is out of range.

    Example:
        >>> sketch, x = Importance(keep=0.05), torch.linspace(0, 1, 512).view(1, 1, 512)
        >>> [part.nbytes for part in sketch.compress(x, seed=0)]  # of 2048
        [94, 4, 4]
        >>> mean = sum(sketch.restore(sketch.compress(x, s), (1, 1, 512), s) for s in range(4000))
        >>> torch.allclose(mean / 4000, x, atol=0.05)
        True

    In bfloat16 a restored value is rounded to the nearest number that there is. Not for entries
    whose sum is no finite number; what is restored of their block is NaN or infinite. Above 6 bits
    for each entry, of float32 keep = 0.2, rounding has less noise from the same bytes; above 3
    where it knows which entries are zero.
    Source: Madow, On the theory of systematic sampling, II, 1949, for the choice;
    Wangni et al., Gradient sparsification, NeurIPS 2018, for probabilities as magnitudes.
    """

    name = "importance"

    def __init__(self, keep: float) -> None:
        require(0 < keep < 1, f"keep={keep}", "0 < keep < 1", "use Exact() to keep it all")
        self.keep = keep

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Importance:
        """Build the sketch from an estimator's settings."""
        assert config.keep is not None
        return cls(config.keep)

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return packed places, and the center and the step of each block.

        The last bit of a block's places tells whether they have signs.
        """
        dtype, device = x_GND.dtype, x_GND.device
        G, N, D = x_GND.shape
        if not self._pays((G, N, D), dtype):
            return (x_GND,)
        x_BE = _as_blocks(x_GND.detach())
        row_bytes = self._row_bytes(x_BE.shape[1], dtype)
        codes = [_code(row_bytes, x_BE.shape[1], signed) for signed in (False, True)]
        lows_B = x_BE.amin(1).double()
        above_B = x_BE.sum(1, dtype=torch.float64) - lows_B * x_BE.shape[1]
        sizes_B = x_BE.abs().sum(1, dtype=torch.float64)
        # Where steps are large, the noise of a block is about (sum |y|)^2 / K.
        noise = [(s**2).sum() / c.num_kept for s, c in zip((above_B, sizes_B), codes, strict=True)]
        signed = bool(noise[1] < noise[0])
        centers_B, sums_B, code = lows_B, above_B, codes[signed]
        if signed:
            centers_B, sums_B = torch.zeros_like(lows_B), sizes_B
        u_B = torch.rand(len(x_BE), generator=generator(seed, device), device=device).double()
        if serves(x_BE):
            packed = torch.zeros(len(x_BE), row_bytes, dtype=torch.uint8)
            place_quanta(x_BE, centers_B, u_B, packed, code)
        else:
            packed = pack_positions(choose(x_BE, centers_B, u_B, code), code, row_bytes)
        packed[:, -1] |= signed * _LAST_BIT
        return packed, centers_B.to(dtype), (sums_B / code.num_kept).to(_wide(dtype))

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return each block's center and, at each place, a step up or down for each quantum."""
        if len(kept) == 1:
            return kept[0]
        packed, centers_B, steps_B = kept
        num_entries = _block_size(shape)[1]
        signed = bool(packed[0, -1] >= _LAST_BIT)
        code = _code(packed.shape[1], num_entries, signed)
        xhat_BE = steps_B.new_empty(len(packed), num_entries)
        if serves(centers_B):
            add_quanta(packed, centers_B, steps_B, code, xhat_BE)
        else:
            places_BK, signs = unpack_positions(packed, code), xhat_BE.new_ones(())
            if signed:
                places_BK, signs = places_BK >> 1, 1 - 2 * (places_BK & 1).to(steps_B.dtype)
            xhat_BE.zero_().scatter_add_(1, places_BK, signs.expand(places_BK.shape))
            xhat_BE.mul_(steps_B[:, None]).add_(centers_B[:, None])
        G, N, D = shape
        return xhat_BE.to(centers_B.dtype).view(G, -1)[:, : N * D].reshape(shape)

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return about ``keep`` of the matrix's bytes, whole ones for each block, at most all."""
        return min(self._sampled_bytes(shape, dtype), math.prod(shape) * dtype.itemsize)

    def _pays(self, shape: Shape, dtype: torch.dtype) -> bool:
        return self._sampled_bytes(shape, dtype) < math.prod(shape) * dtype.itemsize

    def _sampled_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        num_blocks, num_entries = _block_size(shape)
        of_block = self._row_bytes(num_entries, dtype) + dtype.itemsize + _wide(dtype).itemsize
        return num_blocks * of_block

    def _row_bytes(self, num_entries: int, dtype: torch.dtype) -> int:
        """Return the bytes of a block's places: what ``keep`` leaves to them, and one at least."""
        scales = dtype.itemsize + _wide(dtype).itemsize
        left = math.floor(self.keep * num_entries * dtype.itemsize) - scales
        return max(left, least_bits(2 * num_entries) // 8 + 1)

    def __repr__(self) -> str:
        return f"Importance(keep={self.keep})"


def choose(x_BE: Tensor, centers_B: Tensor, u_B: Tensor, code: PositionCode) -> Tensor:
    """Choose K entries of each block with probabilities in proportion to |x - center|.

    Args:
        x_BE: Blocks of entries.
        centers_B: Their centers, float64.
        u_B: A random number in [0, 1) for each, float64.
        code: Its ``count`` is K; its ``universe`` is twice the entries if places have signs.

    Returns:
        Sorted places, int64 (B, K): of entry d it is d, or with signs 2 d + 1 below the center
        and else 2 d.
    """
    sums_BE = (x_BE.double() - centers_B[:, None]).abs_().cumsum_(1)
    levels_BE = (sums_BE / sums_BE[:, -1:]).mul_(code.num_kept).add_(u_B[:, None])
    reached_BE = levels_BE.nan_to_num_(0).clamp_(0, code.num_kept).long()
    reached_BE[:, -1] = code.num_kept
    numbers = torch.arange(code.num_kept, device=x_BE.device).expand(len(x_BE), -1).contiguous()
    places_BK = torch.searchsorted(reached_BE, numbers, right=True)
    if code.universe == x_BE.shape[1]:
        return places_BK
    return 2 * places_BK + (x_BE < centers_B[:, None]).long().gather(1, places_BK)


def _code(row_bytes: int, num_entries: int, signed: bool) -> PositionCode:
    """Return the code of as many places as leave a bit."""
    return largest_code(8 * row_bytes - 1, 2 * num_entries if signed else num_entries)


def _block_size(shape: Shape) -> tuple[int, int]:
    """Return how many blocks there are, and the entries of each: groups share no block."""
    G, N, D = shape
    num_blocks = max(1, -(-N * D // BLOCK))
    return G * num_blocks, max(1, -(-N * D // num_blocks))


def _as_blocks(x_GND: Tensor) -> Tensor:
    """Return the matrix in blocks, those of a group filled up with its last entry."""
    G, N, D = x_GND.shape
    num_blocks, num_entries = _block_size((G, N, D))
    x_GE = x_GND.flatten(1)
    missing = num_blocks // len(x_GE) * num_entries - x_GE.shape[1]
    filled = torch.cat([x_GE, x_GE[:, -1:].expand(-1, missing)], 1) if missing else x_GE
    return filled.reshape(num_blocks, num_entries).contiguous()


def _wide(dtype: torch.dtype) -> torch.dtype:
    """Return the type of steps: in bfloat16 a rounded step would bias all of a block alike."""
    return torch.promote_types(dtype, torch.float32)
