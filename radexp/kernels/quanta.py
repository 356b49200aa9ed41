"""Quanta of importance sampling: chosen and written, and read and added up, in one pass each."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from radexp.kernels.parallel import compiled, run_parts

# Blocks that one thread takes at a time.
PART_BLOCKS = 8


def place_quanta(
    x_BE: Tensor, centers_B: Tensor, u_B: Tensor, packed: Tensor, code: tuple[int, int, int]
) -> None:
    """Choose ``count`` entries of each block by their distance from its center; pack their places.

    The counterpart is ``radexp.sketches.importance.choose`` with
    ``radexp.packing.positions.pack_positions``.

    Args:
        x_BE: Blocks of entries, contiguous, float32 or float64, on the CPU.
        centers_B: What distances are taken from.
        u_B: A random number in [0, 1) for each block, float64.
        packed: Where to write, zeros, uint8 (B, bytes of a block).
        code: Number of quanta, of places (twice that of entries if places have signs), and the
            lowest bits of a place that are kept apart.
    """
    arrays = x_BE.numpy(), centers_B.numpy(), u_B.numpy(), packed.numpy()

    def part(index: int) -> None:
        start = index * PART_BLOCKS
        _place(*arrays, *code, start, min(len(x_BE), start + PART_BLOCKS))

    run_parts(part, -(-len(x_BE) // PART_BLOCKS))


def add_quanta(
    packed: Tensor,
    centers_B: Tensor,
    steps_B: Tensor,
    code: tuple[int, int, int],
    xhat_BE: Tensor,
) -> None:
    """Write each block's center, and its step, up or down, added once for each of its quanta.

    Args:
        packed: As ``place_quanta`` wrote it.
        centers_B: Of each block.
        steps_B: Of each block.
        code: As for ``place_quanta``.
        xhat_BE: Where to write, contiguous, of the kind of ``steps_B``.
    """
    arrays = packed.numpy(), centers_B.numpy(), steps_B.numpy(), xhat_BE.numpy()

    def part(index: int) -> None:
        start = index * PART_BLOCKS
        _add(*arrays, *code, start, min(len(xhat_BE), start + PART_BLOCKS))

    run_parts(part, -(-len(xhat_BE) // PART_BLOCKS))


@compiled()
def _place(
    x: Any,
    centers: Any,
    uniforms: Any,
    packed: Any,
    count: int,
    universe: int,
    low: int,
    start: int,
    stop: int,
) -> None:
    """Choose and pack the quanta of blocks ``start`` to ``stop``."""
    num_entries = x.shape[1]
    signed = universe > num_entries
    length = count + ((universe - 1) >> low)
    sums, top = np.empty(num_entries, np.float64), np.float64(count)
    levels = np.empty(num_entries, np.int32)
    for b in range(start, stop):
        bits, center, total = packed[b], centers[b], 0.0
        for d in range(num_entries):
            total += abs(np.float64(x[b, d]) - center)
            sums[d] = total
        factor, uniform = (count / total if total > 0 else 0.0), uniforms[b]
        for d in range(num_entries):
            level = sums[d] * factor + uniform
            levels[d] = np.int32(min(level, top) if level >= 0 else 0.0)  # 0 if it is no number
        levels[num_entries - 1] = count
        k = 0  # quanta so far; ``pending`` bits of the map in ``word`` are to be written at ``at``
        word, pending, at, before = np.uint64(0), 0, 0, 0
        for d in range(num_entries):
            reached = levels[d]
            if reached <= k:
                continue
            place = 2 * d + int(x[b, d] < center) if signed else d
            for i in range((reached - k) * low):
                bit = length + k * low + i
                bits[bit >> 3] |= np.uint8(((place >> (i % low)) & 1) << (bit & 7))
            pending += (place >> low) - before
            before = place >> low
            while pending >= 32 or reached > k:
                ones = min(reached - k, 16) if pending < 32 else 0
                word |= ((np.uint64(1) << np.uint64(ones)) - np.uint64(1)) << np.uint64(pending)
                pending += ones
                k += ones
                if pending >= 32:
                    for i in range(4):
                        bits[at + i] |= np.uint8((word >> np.uint64(8 * i)) & np.uint64(255))
                    word, pending, at = word >> np.uint64(32), pending - 32, at + 4
        for i in range((pending + 7) >> 3):
            bits[at + i] |= np.uint8((word >> np.uint64(8 * i)) & np.uint64(255))


@compiled()
def _add(
    packed: Any,
    centers: Any,
    steps: Any,
    xhat: Any,
    count: int,
    universe: int,
    low: int,
    start: int,
    stop: int,
) -> None:
    """Add up the quanta of blocks ``start`` to ``stop``."""
    num_entries = xhat.shape[1]
    signed = np.int64(universe > num_entries)  # 1 if the lowest bit of a place is a sign
    length = count + ((universe - 1) >> low)
    counts = np.empty(num_entries, np.int64)
    for b in range(start, stop):
        bits, k, counts[:] = packed[b], 0, 0
        if low == 0:
            for at in range(length):  # as many set bits as not: no branch to guess
                is_set, place = int(bits[at >> 3]) >> (at & 7) & 1, at - k
                counts[place >> signed] += is_set * (1 - 2 * (place & signed))
                k += is_set
        at = 0
        while k < count:
            byte = int(bits[at >> 3])
            for shift in range(8 if byte else 0):
                if k < count and (byte >> shift) & 1:
                    place = (at + shift - k) << low
                    for i in range(low):
                        bit = length + k * low + i
                        place |= (int(bits[bit >> 3]) >> (bit & 7) & 1) << i
                    counts[place >> signed] += 1 - 2 * (place & signed)
                    k += 1
            at += 8
        center, step = centers[b], steps[b]
        for d in range(num_entries):
            xhat[b, d] = center + xhat.dtype.type(counts[d]) * step
