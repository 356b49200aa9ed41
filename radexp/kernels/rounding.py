"""Stochastic rounding to a few bits: made, and undone, in one pass over the entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from radexp.kernels.parallel import compiled, run_parts

# Entries that share one scale. Whole bytes hold their codes, of any length.
GROUP = 512
# Groups that one thread takes at a time.
PART_GROUPS = 32

_BYTE = np.uint64(255)
# What the place of an entry and the two halves of a seed are multiplied by, modulo 2^32, to give
# the entry's random number: after each product its upper bits are mixed into the lower ones.
MULTIPLIERS = (0x9E3779B9, 0x7FEB352D, 0x846CA68B, 0x2C1B3C6D)
_GOLDEN, _FIRST, _SECOND, _THIRD = map(np.uint32, MULTIPLIERS)


def round_to_codes(
    values: Tensor, packed: Tensor, scales: Tensor, bits: int, keys: tuple[int, int]
) -> None:
    """Round entries at random to ``2 ** bits`` levels between the least and largest of their group.

    The counterpart of this loop and of ``codes_to_values`` is in ``radexp.packing.rounded``.

    Args:
        values: Entries, contiguous, float32 or float64, on the CPU.
        packed: Where to write the codes, uint8, ``ceil(values.numel() * bits / 8)`` bytes.
        scales: Where to write the least value and the distance of two levels of each group.
        bits: Length of a code, 1 to 8.
        keys: Two halves of the seed, each below ``2 ** 32``.
    """
    arrays = values.view(-1).numpy(), packed.numpy(), scales.numpy()
    top = arrays[0].dtype.type(2**bits - 1)
    # A little more than the range, so that no rounding puts the largest entry above the top level.
    share = arrays[0].dtype.type((1 + 2 * torch.finfo(values.dtype).eps) / (2**bits - 1))
    numbers = np.uint32(keys[0]), np.uint32(keys[1])
    over_groups(lambda *part: _round(*arrays, bits, top, share, *numbers, *part), len(scales))


def codes_to_values(packed: Tensor, scales: Tensor, bits: int, values: Tensor) -> None:
    """Write the level of each code.

    Args:
        packed: Codes, as ``round_to_codes`` wrote them.
        scales: Of the groups, likewise.
        bits: Length of a code.
        values: Where to write, contiguous, of the kind of ``scales``.
    """
    arrays = packed.numpy(), scales.numpy(), values.view(-1).numpy()
    over_groups(lambda *part: _restore(*arrays, bits, *part), len(scales))


def over_groups(work: Callable[[int, int], None], num_groups: int) -> None:
    """Call ``work(start, stop)`` for parts of the groups, on the threads of ``run_parts``."""

    def part(index: int) -> None:
        start = index * PART_GROUPS
        work(start, min(num_groups, start + PART_GROUPS))

    run_parts(part, -(-num_groups // PART_GROUPS))


@compiled(inline=True)
def random_uniform(place: Any, key: Any, other_key: Any, dtype: Any) -> Any:
    """Return a multiple of 2^-24 in [0, 1), a function of the place and the seed alone."""
    mixed = np.uint32(np.uint32(np.uint32(place) * _GOLDEN) + key)
    mixed ^= mixed >> np.uint32(16)
    mixed = np.uint32(mixed * _FIRST)
    mixed ^= mixed >> np.uint32(15)
    mixed = np.uint32(mixed * _SECOND)
    mixed ^= (mixed >> np.uint32(16)) ^ other_key
    mixed = np.uint32(mixed * _THIRD)
    mixed ^= mixed >> np.uint32(16)
    return dtype(np.int32(mixed >> np.uint32(8))) * dtype(2.0**-24)


@compiled()
def _round(
    values: Any,
    packed: Any,
    scales: Any,
    bits: int,
    top: Any,
    share: Any,
    key: Any,
    other_key: Any,
    start: int,
    stop: int,
) -> None:
    """Round the entries of groups ``start`` to ``stop``."""
    codes = np.zeros(GROUP, np.uint8)
    for group in range(start, stop):
        first = group * GROUP
        block = values[first : min(first + GROUP, len(values))]
        low = high = block[0]
        for i in range(len(block)):
            low, high = min(low, block[i]), max(high, block[i])
        step = (high - low) * share
        scales[group, 0], scales[group, 1] = low, step
        distance = step if step > 0 else low - low + 1
        codes[len(block) :] = 0
        broken = np.uint8(0)
        for i in range(len(block)):
            uniform = random_uniform(first + i, key, other_key, values.dtype.type)
            level = (block[i] - low) / distance + uniform
            codes[i] = np.uint8(level if level < top else top)
            broken |= np.uint8(level != level)  # from an entry that is not finite
        if broken:
            scales[group] = np.nan
        gather_codes(codes, packed[first // 8 * bits :], bits)


@compiled(inline=True)
def gather_codes(codes: Any, packed: Any, bits: int) -> None:
    """Pack codes, eight to so many bytes as a code has bits, as many as there is room for."""
    for j in range(min(len(codes) // 8, -(-len(packed) // bits))):
        word = np.uint64(0)
        for k in range(8):
            word |= np.uint64(codes[8 * j + k]) << np.uint64(bits * k)
        for k in range(min(bits, len(packed) - bits * j)):
            packed[bits * j + k] = np.uint8((word >> np.uint64(8 * k)) & _BYTE)


@compiled()
def _restore(packed: Any, scales: Any, values: Any, bits: int, start: int, stop: int) -> None:
    """Write the levels of groups ``start`` to ``stop``."""
    codes = np.empty(GROUP, np.uint8)
    for group in range(start, stop):
        first = group * GROUP
        block = values[first : min(first + GROUP, len(values))]
        spread_codes(packed[first // 8 * bits :], codes, bits)
        low, step = scales[group, 0], scales[group, 1]
        for i in range(len(block)):
            block[i] = low + values.dtype.type(codes[i]) * step


@compiled(inline=True)
def spread_codes(packed: Any, codes: Any, bits: int) -> None:
    """Undo ``gather_codes``."""
    mask = np.uint64((1 << bits) - 1)
    for j in range(min(len(codes) // 8, -(-len(packed) // bits))):
        word = np.uint64(0)
        for k in range(min(bits, len(packed) - bits * j)):
            word |= np.uint64(packed[bits * j + k]) << np.uint64(8 * k)
        for k in range(8):
            codes[8 * j + k] = np.uint8((word >> np.uint64(bits * k)) & mask)
