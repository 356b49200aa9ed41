"""Stochastic rounding of the entries that are not zero, in one pass over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from radexp.kernels.parallel import compiled, run_parts
from radexp.kernels.rounding import GROUP, PART_GROUPS, gather_codes, random_uniform, spread_codes

# Of a code, however few entries share the bits of a group.
MOST_BITS = 8


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
        scales: Where to write the least value and the distance of two levels of each group.
        bits: Bits for each entry, 1 to 8, which those whose bit is set share.
        keys: Two halves of the seed, each below ``2 ** 32``.
    """
    arrays = values.view(-1).numpy(), alive.numpy(), packed.numpy(), scales.numpy()
    # A little more than the range, so that no rounding puts the largest entry above the top level.
    stretch = 1 + 2 * torch.finfo(values.dtype).eps
    exact_tops = 2.0 ** np.arange(MOST_BITS + 1) - 1
    tops = exact_tops.astype(arrays[0].dtype)
    shares = (stretch / np.maximum(exact_tops, 1)).astype(arrays[0].dtype)
    num_groups = len(scales)

    def part(index: int) -> None:
        start = index * PART_GROUPS
        stop = min(num_groups, start + PART_GROUPS)
        _round(*arrays, bits, tops, shares, np.uint32(keys[0]), np.uint32(keys[1]), start, stop)

    run_parts(part, -(-num_groups // PART_GROUPS))


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
    num_groups = len(scales)

    def part(index: int) -> None:
        start = index * PART_GROUPS
        _restore(*arrays, bits, start, min(num_groups, start + PART_GROUPS))

    run_parts(part, -(-num_groups // PART_GROUPS))


@compiled(inline=True)
def _length(room: Any, num: Any) -> Any:
    """Return how many bits each of ``num`` codes gets of so many bytes."""
    return min(MOST_BITS, 8 * len(room) // max(num, 1))


@compiled()
def _round(
    values: Any,
    alive: Any,
    packed: Any,
    scales: Any,
    bits: int,
    tops: Any,
    shares: Any,
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
        chosen[num:] = chosen[0] if num else 0
        low = high = chosen[0]
        for i in range(num):
            low, high = min(low, chosen[i]), max(high, chosen[i])
        step = (high - low) * shares[length]
        scales[group, 0], scales[group, 1] = low, step
        distance = step if step > 0 else low - low + 1
        top = tops[length]
        broken = np.uint8(0)
        for i in range(num):
            uniform = random_uniform(first + i, key, other_key, values.dtype.type)
            level = (chosen[i] - low) / distance + uniform
            codes[i] = np.uint8(level if level < top else top)
            broken |= np.uint8(level != level)  # from an entry that is not finite
        if broken:
            scales[group] = np.nan
        codes[num:] = 0
        gather_codes(codes[: -(-num // 8) * 8], room, length)


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
        spread_codes(room, codes[: -(-num // 8) * 8], _length(room, num))
        low, step = scales[group, 0], scales[group, 1]
        next_code = 0
        for i in range(len(block)):
            is_alive = (mask[i // 8] >> (i % 8)) & 1
            level = low + values.dtype.type(codes[next_code]) * step
            block[i] = level if is_alive else 0
            next_code += is_alive
