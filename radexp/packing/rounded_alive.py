"""Entries that are not zero, rounded at random: as many bits each as they share."""

from __future__ import annotations

import torch
from torch import Tensor

from radexp.kernels import serves
from radexp.kernels.rounding import GROUP
from radexp.kernels.rounding_alive import MOST_BITS, codes_to_values, round_to_codes
from radexp.packing.bits import unpack_bits
from radexp.packing.codes import code_bytes, pack_codes, unpack_codes
from radexp.packing.rounded import LOW_HALF, blocks, num_groups, uniforms


def pack_alive(entries: Tensor, alive: Tensor, bits: int, seed: int) -> tuple[Tensor, Tensor]:
    """Round the entries that are not zero to the bits that all entries of their group have.

    A group of M entries, n of them alive, has ``ceil(M bits / 8)`` bytes, so each of the n gets a
    code of ``floor(8 ceil(M bits / 8) / n)`` bits, at most 8, in their order.

    Args:
        entries: Shape (M,), any floating-point dtype and device.
        alive: Which entries are not zero, packed by ``pack_bits``; the others are taken to be.
        bits: Bits for each entry, 1 to 8.
        seed: Of the random numbers.

    Returns:
        What ``pack_rounded`` returns, of the same sizes.

    Example:
        >>> x = torch.tensor([0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 0.0, 4.0])
        >>> alive = torch.tensor([0b10011010], dtype=torch.uint8)
        >>> codes, scales = pack_alive(x, alive, bits=1, seed=0)
        >>> unpack_alive(codes, scales, alive, bits=1, count=8).round(decimals=4).tolist()
        [0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 0.0, 4.0]
    """
    packed = entries.new_zeros(code_bytes(len(entries), bits), dtype=torch.uint8)
    scales = entries.new_empty(num_groups(len(entries)), 2)
    keys = seed & LOW_HALF, seed >> 32
    if serves(entries):
        round_to_codes(entries, alive, packed, scales, bits, keys)
        return packed, scales
    for block, part, groups in blocks(len(entries), bits):
        mask = _mask_of(alive, block)
        codes, lengths, scales[groups] = round_alive(entries[block], mask, bits, keys, block.start)
        room = packed.new_zeros(len(codes), GROUP * bits // 8)
        for length in range(bits, MOST_BITS + 1):
            chosen = (lengths == length).nonzero().flatten()
            rows = pack_codes(codes[chosen], length).view(len(chosen), GROUP * length // 8)
            room[chosen] = rows[:, : room.shape[1]]
        packed[part] = room.flatten()[: part.stop - part.start]
    return packed, scales


def unpack_alive(packed: Tensor, scales: Tensor, alive: Tensor, bits: int, count: int) -> Tensor:
    """Return the levels of the entries that are not zero, and zero for the others, (count,)."""
    entries = scales.new_empty(count)
    if serves(entries):
        codes_to_values(packed, scales, alive, bits, entries)
        return entries
    for block, part, groups in blocks(count, bits):
        mask = _mask_of(alive, block)
        lengths = _lengths(mask, block.stop - block.start, bits)
        room = packed.new_zeros(len(mask) * GROUP * bits // 8)
        room[: part.stop - part.start] = packed[part]
        codes = torch.zeros(mask.shape, dtype=torch.int64, device=packed.device)
        for length in range(bits, MOST_BITS + 1):
            chosen = (lengths == length).nonzero().flatten()
            rows = packed.new_zeros(len(chosen), GROUP * length // 8)
            rows[:, : GROUP * bits // 8] = room.view(len(mask), -1)[chosen]
            unpacked = unpack_codes(rows.flatten(), len(chosen) * GROUP, length)
            codes[chosen] = unpacked.view(len(chosen), GROUP)
        place = (mask.cumsum(1) - 1).clamp_(min=0)
        low, step = scales[groups].unsqueeze(2).unbind(1)
        levels = low + codes.gather(1, place) * step
        entries[block] = torch.where(mask, levels, 0).flatten()[: block.stop - block.start]
    return entries


def round_alive(
    entries: Tensor, mask: Tensor, bits: int, keys: tuple[int, int], first: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Round what is alive of whole groups of entries, the last one perhaps short.

    Args:
        entries: Shape (M,), any floating-point dtype and device.
        mask: Which of them are alive, bool (groups, 512); none after the last one.
        bits: Bits for each entry.
        keys: Two halves of the seed, each below ``2 ** 32``.
        first: Place of the first entry.

    Returns:
        Codes, uint8 (groups, 512), those of the entries alive first; their lengths, (groups,); and
        the lowest level and the step of each group, of the entries' dtype, (groups, 2).
    """
    lengths = _lengths(mask, len(entries), bits)
    padded = torch.cat([entries, entries.new_zeros(mask.numel() - len(entries))]).view(mask.shape)
    order = mask.logical_not().to(torch.uint8).argsort(dim=1, stable=True)
    is_code = mask.gather(1, order)
    values = padded.gather(1, order)
    # What stands after the last code stands for the first one, so that it is no extreme.
    values = torch.where(is_code, values, values[:, :1])
    lows, highs = values.aminmax(dim=1)
    wide = torch.promote_types(entries.dtype, torch.float32)
    tops = (2.0**lengths - 1).to(wide)
    stretch = 1 + 2 * torch.finfo(entries.dtype).eps
    steps = ((highs.to(wide) - lows) * (stretch / tops)).to(lows.dtype)
    scales = torch.stack([lows, steps], 1)
    low, step = scales.to(wide).unsqueeze(2).unbind(1)
    levels = (values - low) / torch.where(step > 0, step, low - low + 1)
    levels += uniforms(first, mask.numel(), keys, entries.device).to(wide).view(mask.shape)
    codes = torch.where(levels < tops[:, None], levels, tops[:, None])
    return torch.where(is_code, codes, 0).to(torch.uint8), lengths, scales


def _mask_of(alive: Tensor, block: slice) -> Tensor:
    """Return which entries of a block are alive, bool (groups, 512), none after the last one."""
    size = block.stop - block.start
    packed = alive[block.start // 8 : -(-block.stop // 8)]
    mask = torch.zeros(num_groups(size) * GROUP, dtype=torch.bool, device=alive.device)
    mask[:size] = unpack_bits(packed, torch.Size([size]), torch.float32) > 0
    return mask.view(-1, GROUP)


def _lengths(mask: Tensor, count: int, bits: int) -> Tensor:
    """Return how long the codes of each group of ``count`` entries are, (groups,)."""
    room = torch.full((len(mask),), GROUP * bits, device=mask.device)
    room[-1] = 8 * code_bytes(count - (len(mask) - 1) * GROUP, bits)
    return (room // mask.sum(1).clamp(min=1)).clamp(max=MOST_BITS)
