"""Entries that are not zero, rounded at random: they share the bits of all entries."""

from __future__ import annotations

import torch
from torch import Tensor

from radexp.kernels import serves
from radexp.kernels.rounding import GROUP
from radexp.kernels.rounding_alive import MOST_BITS, STRETCH, codes_to_values, round_to_codes
from radexp.packing.bits import unpack_bits
from radexp.packing.codes import code_bytes
from radexp.packing.rounded import LOW_HALF, blocks, num_groups, uniforms


def pack_alive(entries: Tensor, alive: Tensor, bits: int, seed: int) -> tuple[Tensor, Tensor]:
    """Round the entries that are not zero to the bits that all entries of their group have.

    A group of M entries, n of them alive, has ``R = 8 ceil(M bits / 8)`` bits, so each of the n
    gets a code of ``floor(R / n)`` bits, at most 8, in their order; the first ones, in eights, get
    one more bit of what is left.

    Args:
        entries: Shape (M,), any floating-point dtype and device.
        alive: Which entries are not zero, packed by ``pack_bits``; the others are taken to be.
        bits: Bits for each entry, 1 to 8.
        seed: Of the random numbers.

    Returns:
        Packed codes, uint8 of ``code_bytes(M, bits)``, and the least value and the range of each
        group, of the entries' dtype, (num_groups(M), 2).

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
        widths, starts = _layout(mask, block.stop - block.start, bits)
        codes, scales[groups] = round_alive(entries[block], mask, widths, keys, block.start)
        words = codes << (starts & 7)
        # A code reaches into one more byte at most; what is not alive adds nothing to the last.
        rows = words.new_zeros(len(codes), GROUP * bits // 8 + 1)
        places = (starts >> 3).clamp_(max=rows.shape[1] - 2)
        rows.scatter_add_(1, places, words & 255).scatter_add_(1, places + 1, words >> 8)
        packed[part] = rows[:, :-1].flatten()[: part.stop - part.start].to(torch.uint8)
    return packed, scales


def unpack_alive(packed: Tensor, scales: Tensor, alive: Tensor, bits: int, count: int) -> Tensor:
    """Return the levels of the entries that are not zero, and zero for the others, (count,)."""
    entries = scales.new_empty(count)
    if serves(entries):
        codes_to_values(packed, scales, alive, bits, entries)
        return entries
    wide = torch.promote_types(scales.dtype, torch.float32)
    for block, part, groups in blocks(count, bits):
        mask = _mask_of(alive, block)
        widths, starts = _layout(mask, block.stop - block.start, bits)
        size = GROUP * bits // 8
        flat = torch.zeros(len(mask) * size, dtype=torch.int64, device=packed.device)
        flat[: part.stop - part.start] = packed[part]
        rows = torch.nn.functional.pad(flat.view(len(mask), size), (0, 1))
        places = (starts >> 3).clamp_(max=size - 1)
        words = rows.gather(1, places) | (rows.gather(1, places + 1) << 8)
        codes = (words >> (starts & 7)) & ((1 << widths) - 1)
        low, span = scales[groups].to(wide).unsqueeze(2).unbind(1)
        levels = low + codes * (span / ((1 << widths) - 1))
        of_entry = levels.gather(1, (mask.cumsum(1) - 1).clamp_(min=0))
        restored = torch.where(mask, of_entry, 0).flatten()
        entries[block] = restored[: block.stop - block.start].to(entries.dtype)
    return entries


def round_alive(
    entries: Tensor, mask: Tensor, widths: Tensor, keys: tuple[int, int], first: int = 0
) -> tuple[Tensor, Tensor]:
    """Round what is alive of whole groups of entries, the last one perhaps short.

    Args:
        entries: Shape (M,), any floating-point dtype and device.
        mask: Which of them are alive, bool (groups, 512); none after the last one.
        widths: How long the codes are, (groups, 512).
        keys: Two halves of the seed, each below ``2 ** 32``.
        first: Place of the first entry.

    Returns:
        Codes, int64 (groups, 512), those of the entries alive first and zeros after them; and the
        least value and the range of each group, of the entries' dtype, (groups, 2).
    """
    padded = torch.cat([entries, entries.new_zeros(mask.numel() - len(entries))]).view(mask.shape)
    order = mask.logical_not().to(torch.uint8).argsort(dim=1, stable=True)
    is_code = mask.gather(1, order)
    values = padded.gather(1, order)
    # What stands after the last code stands for the first one, so that it is no extreme.
    values = torch.where(is_code, values, values[:, :1])
    lows, highs = values.aminmax(dim=1)
    wide = torch.promote_types(entries.dtype, torch.float32)
    stretch = 1 + STRETCH * torch.finfo(entries.dtype).eps
    scales = torch.stack([lows, ((highs.to(wide) - lows) * stretch).to(lows.dtype)], 1)
    low, span = scales.to(wide).unsqueeze(2).unbind(1)
    tops = (1 << widths) - 1
    steps = span / tops
    levels = (values - low) / torch.where(steps > 0, steps, low - low + 1)
    levels += uniforms(first, mask.numel(), keys, entries.device).to(wide).view(mask.shape)
    codes = torch.where(levels < tops, levels, tops).long()
    return torch.where(is_code, codes, 0), scales


def _mask_of(alive: Tensor, block: slice) -> Tensor:
    """Return which entries of a block are alive, bool (groups, 512), none after the last one."""
    size = block.stop - block.start
    packed = alive[block.start // 8 : -(-block.stop // 8)]
    mask = torch.zeros(num_groups(size) * GROUP, dtype=torch.bool, device=alive.device)
    mask[:size] = unpack_bits(packed, torch.Size([size]), torch.float32) > 0
    return mask.view(-1, GROUP)


def _layout(mask: Tensor, count: int, bits: int) -> tuple[Tensor, Tensor]:
    """Return how long each code of each group is, and its first bit, both (groups, 512)."""
    room = torch.full((len(mask), 1), GROUP * bits, device=mask.device)
    room[-1] = 8 * code_bytes(count - (len(mask) - 1) * GROUP, bits)
    num = mask.sum(1, keepdim=True)
    length = (room // num.clamp(min=1)).clamp(max=MOST_BITS)
    longer = torch.where(length == MOST_BITS, 0, (room - num * length) // 8 * 8)
    place = torch.arange(GROUP, device=mask.device)
    return length + (place < longer), place * length + torch.minimum(place, longer)
