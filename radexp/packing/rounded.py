"""Entries rounded at random to a few bits, packed without gaps, with two scales for each group."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from radexp.kernels import serves
from radexp.kernels.rounding import GROUP, MULTIPLIERS, codes_to_values, round_to_codes
from radexp.packing.codes import code_bytes, pack_codes, unpack_codes

# Entries in flight at a time, where no compiled loop takes them one by one.
BLOCK = 2**10 * GROUP
LOW_HALF = 2**32 - 1


def num_groups(count: int) -> int:
    """Return how many groups of 512 so many entries fill, the last perhaps in part."""
    return -(-count // GROUP)


def rounded_bytes(count: int, bits: int, itemsize: int) -> int:
    """Return the bytes of codes and scales: ``ceil(M bits / 8) + 2 ceil(M / 512) itemsize``."""
    return code_bytes(count, bits) + 2 * num_groups(count) * itemsize


def pack_rounded(entries: Tensor, bits: int, seed: int) -> tuple[Tensor, Tensor]:
    """Round entries at random to ``2 ** bits`` levels between the extremes of their group.

    Args:
        entries: Shape (M,), any floating-point dtype and device.
        bits: Length of a code, 1 to 8.
        seed: Of the random numbers.

    Returns:
        Packed codes, uint8 of ``code_bytes(M, bits)``, and the lowest level and the step of each
        group, of the entries' dtype, (num_groups(M), 2).

    Example:
        >>> codes, scales = pack_rounded(torch.tensor([0.0, 1.0, 3.0, 0.0]), bits=2, seed=0)
        >>> unpack_rounded(codes, scales, bits=2, count=4).round(decimals=4).tolist()
        [0.0, 1.0, 3.0, 0.0]
    """
    packed = entries.new_empty(code_bytes(len(entries), bits), dtype=torch.uint8)
    scales = entries.new_empty(num_groups(len(entries)), 2)
    keys = seed & LOW_HALF, seed >> 32
    if serves(entries):
        round_to_codes(entries, packed, scales, bits, keys)
        return packed, scales
    for block, codes, groups in blocks(len(entries), bits):
        rounded, scales[groups] = round_block(entries[block], bits, keys, block.start)
        packed[codes] = pack_codes(rounded, bits)
    return packed, scales


def unpack_rounded(packed: Tensor, scales: Tensor, bits: int, count: int) -> Tensor:
    """Return the level of each of ``count`` codes, shape (count,), of the dtype of the scales."""
    entries = scales.new_empty(count)
    if serves(entries):
        codes_to_values(packed, scales, bits, entries)
        return entries
    for block, codes, groups in blocks(count, bits):
        size = block.stop - block.start
        of_entry = scales[groups].repeat_interleave(GROUP, 0)[:size]
        levels = unpack_codes(packed[codes], size, bits)
        entries[block] = of_entry[:, 0] + levels * of_entry[:, 1]
    return entries


def blocks(count: int, bits: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield slices of so many entries, and those of their codes' bytes and of their groups."""
    for start in range(0, count, BLOCK):
        stop = min(count, start + BLOCK)
        codes = slice(start * bits // 8, code_bytes(stop, bits))
        yield slice(start, stop), codes, slice(start // GROUP, num_groups(stop))


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
    levels += uniforms(first, len(entries), keys, entries.device).to(wide)
    return torch.where(levels < top, levels, top).to(torch.uint8), scales


def uniforms(first: int, count: int, keys: tuple[int, int], device: torch.device) -> Tensor:
    """Return multiples of 2^-24 in [0, 1), a function of the place and the seed alone."""
    golden, *others = MULTIPLIERS
    numbers = torch.arange(first, first + count, device=device)
    numbers = (numbers * golden + keys[0]) & LOW_HALF
    for shift, multiplier, key in zip((16, 15, 16), others, (0, 0, keys[1]), strict=True):
        numbers ^= (numbers >> shift) ^ key
        numbers = (numbers * multiplier) & LOW_HALF
    numbers ^= numbers >> 16
    return (numbers >> 8).float() * 2.0**-24
