"""Stochastic rounding of the entries that are not zero, in one pass over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from radexp.kernels.parallel import compiled
from radexp.kernels.rounding import GROUP, gather_codes, over_groups, random_uniform, spread_codes

# Of a code, however few entries share the bits of a group.
MOST_BITS = 8
# A range is kept so many units in the last place too long, so that no rounding puts the largest
# entry above the top level.
STRETCH = 4


def round_to_codes(
    values: Tensor,
    alive: Tensor,
    packed: Tensor,
    scales: Tensor,
    bits: int,
    keys: tuple[int, int],
) -> None:
    """Round the entries whose bit is set, to levels between the least and largest of their group.

    The counterpart of this loop and of ``codes_to_values`` is in ``radexp.packing.rounded_alive``.

    Args:
        values: Entries, contiguous, float32 or float64, on the CPU.
        alive: Which of them are not zero, one bit each.
        packed: Where to write the codes, uint8, all 0, ``ceil(values.numel() * bits / 8)`` bytes.
        scales: Where to write the least value and the range of each group.
        bits: Bits for each entry, 1 to 8, which those whose bit is set share.
        keys: Two halves of the seed, each below ``2 ** 32``.
    """
    arrays = values.view(-1).numpy(), alive.numpy(), packed.numpy(), scales.numpy()
    stretch = arrays[0].dtype.type(1 + STRETCH * torch.finfo(values.dtype).eps)
    numbers = np.uint32(keys[0]), np.uint32(keys[1])
    over_groups(lambda *part: _round(*arrays, bits, stretch, *numbers, *part), len(scales))


def codes_to_values(
    packed: Tensor, scales: Tensor, alive: Tensor, bits: int, values: Tensor
) -> None:
    """Write the level of each code where its bit is set, and zero elsewhere.

    Args:
        packed: Codes, as ``round_to_codes`` wrote them.
        scales: Of the groups, likewise.
        alive: Which entries have a code, one bit each.
        bits: Bits for each entry.
        values: Where to write, contiguous, of the kind of ``scales``.
    """
    arrays = packed.numpy(), scales.numpy(), alive.numpy(), values.view(-1).numpy()
    over_groups(lambda *part: _restore(*arrays, bits, *part), len(scales))


@compiled(inline=True)
def _length(room: Any, num: Any) -> Any:
    """Return how many bits each of ``num`` codes gets of so many bytes."""
    return min(MOST_BITS, 8 * len(room) // max(num, 1))


@compiled(inline=True)
def _num_longer(room: Any, num: Any, length: Any) -> Any:
    """Return how many codes, in eights, get one more bit of what is left."""
    return 0 if length == MOST_BITS else (8 * len(room) - num * length) // 8 * 8


@compiled()
def _round(
    values: Any,
    alive: Any,
    packed: Any,
    scales: Any,
    bits: int,
    stretch: Any,
    key: Any,
    other_key: Any,
    start: int,
    stop: int,
) -> None:
    """Round what is alive of groups ``start`` to ``stop``."""
    codes = np.zeros(GROUP + 8, np.uint8)
    chosen = np.empty(GROUP + 8, values.dtype)
    for group in range(start, stop):
        first = group * GROUP
        block = values[first : min(first + GROUP, len(values))]
        room = packed[first // 8 * bits : min((first + GROUP) // 8 * bits, len(packed))]
        num = _gather(block, alive[first // 8 :], chosen)
        length = _length(room, num)
        longer = _num_longer(room, num, length)
        chosen[num:] = chosen[0] if num else 0
        low = high = chosen[0]
        for i in range(num):
            low, high = min(low, chosen[i]), max(high, chosen[i])
        span = (high - low) * stretch
        scales[group, 0], scales[group, 1] = low, span
        broken = np.uint8(0)
        for begin, end, bits_each in ((0, longer, length + 1), (longer, num, length)):
            top = values.dtype.type((1 << bits_each) - 1)
            step = span / top
            distance = step if step > 0 else low - low + 1
            for i in range(begin, end):
                uniform = random_uniform(first + i, key, other_key, values.dtype.type)
                level = (chosen[i] - low) / distance + uniform
                codes[i] = np.uint8(level if level < top else top)
                broken |= np.uint8(level != level)  # from an entry that is not finite
        if broken:
            scales[group] = np.nan
        codes[num:] = 0
        gather_codes(codes[:longer], room, length + 1)
        rest = room[longer // 8 * (length + 1) :]
        gather_codes(codes[longer : -(-num // 8) * 8], rest, length)


@compiled(inline=True)
def _gather(block: Any, alive: Any, chosen: Any) -> Any:
    """Write the entries whose bit is set, one after the other, and return how many there are."""
    num = 0
    for i in range(len(block)):
        chosen[num] = block[i]
        num += (alive[i // 8] >> (i % 8)) & 1
    return num


@compiled()
def _restore(
    packed: Any, scales: Any, alive: Any, values: Any, bits: int, start: int, stop: int
) -> None:
    """Write the entries of groups ``start`` to ``stop``."""
    codes = np.empty(GROUP + 8, np.uint8)
    for group in range(start, stop):
        first = group * GROUP
        block = values[first : min(first + GROUP, len(values))]
        room = packed[first // 8 * bits : min((first + GROUP) // 8 * bits, len(packed))]
        mask = alive[first // 8 :]
        num = 0
        for i in range(len(block)):
            num += (mask[i // 8] >> (i % 8)) & 1
        length = _length(room, num)
        longer = _num_longer(room, num, length)
        spread_codes(room, codes[:longer], length + 1)
        rest = room[longer // 8 * (length + 1) :]
        spread_codes(rest, codes[longer : -(-num // 8) * 8], length)
        low, span = scales[group]
        step = span / values.dtype.type((1 << length) - 1)
        finer = span / values.dtype.type((2 << length) - 1)
        next_code = 0
        for i in range(len(block)):
            is_alive = (mask[i // 8] >> (i % 8)) & 1
            distance = finer if next_code < longer else step
            level = low + values.dtype.type(codes[next_code]) * distance
            block[i] = level if is_alive else 0
            next_code += is_alive
