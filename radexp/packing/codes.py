"""Small whole numbers, side by side in as few bits as the largest needs."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

_INTEGER_OF_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32}


def code_bytes(count: int, bits: int) -> int:
    """Return the bytes that ``count`` codes of ``bits`` bits take: ceil(count * bits / 8)."""
    return -(-count * bits // 8)


def pack_codes(codes: Tensor, bits: int) -> Tensor:
    """Pack whole numbers below ``2 ** bits`` without gaps.

    Eight codes, read as one little-endian integer, are moved together in three steps: neighbours,
    pairs, fours. Of codes longer than a byte the low bytes are kept as they are, all of them
    first, and the rest is packed after them.

    Args:
        codes: Integers of any shape, each in [0, 2 ** bits); uint8 where bits <= 8.
        bits: Length of a code; codes of 0 bits are all 0 and take no bytes.

    Returns:
        uint8 tensor of shape (code_bytes(codes.numel(), bits),). For bits <= 8, code n stands in
        the bits from n * bits on, counted from the lowest of the first byte.

    Example:
        >>> pack_codes(torch.tensor([3, 0, 2], dtype=torch.uint8), bits=2).tolist()
        [35]

    For booleans, ``pack_bits`` is the same in one step.
    """
    flat = codes.reshape(-1)
    if bits > 8:
        return torch.cat([(flat & 255).to(torch.uint8), _pack_rest(flat, bits)])
    if bits == 8:
        return flat.clone()
    groups = -(-flat.numel() // 8)
    padded = flat.new_zeros(8 * groups)
    padded[: flat.numel()] = flat
    words = padded.view(torch.int64)
    for low, high, gap in _steps(bits):
        words = (words & low).bitwise_or_((words >> gap).bitwise_and_(high))
    if bits in _INTEGER_OF_BITS:  # a plain conversion: several times as fast as taking bytes
        packed = words.to(_INTEGER_OF_BITS[bits]).view(torch.uint8)
    else:
        packed = words.view(torch.uint8).view(groups, 8)[:, :bits].reshape(-1)
    needed = code_bytes(flat.numel(), bits)
    return packed if packed.untyped_storage().nbytes() == needed else packed[:needed].clone()


def _pack_rest(flat: Tensor, bits: int) -> Tensor:
    """Pack what is left of long codes above their low bytes."""
    rest = flat >> 8
    return pack_codes(rest.to(torch.uint8) if bits <= 16 else rest, bits - 8)


def unpack_codes(packed: Tensor, count: int, bits: int) -> Tensor:
    """Return what ``pack_codes`` packed.

    Args:
        packed: uint8 tensor from ``pack_codes``.
        count: Number of codes.
        bits: Length of a code.

    Returns:
        Fresh int64 tensor of shape (count,).

    Example:
        >>> unpack_codes(torch.tensor([35], dtype=torch.uint8), count=3, bits=2).tolist()
        [3, 0, 2]
    """
    if bits > 8:
        rest = unpack_codes(packed[count:], count, bits - 8)
        return rest.bitwise_left_shift_(8).bitwise_or_(packed[:count])
    if bits == 8:
        return packed.long()
    groups = -(-count // 8)
    padded = packed.new_zeros(groups * bits)
    padded[: packed.numel()] = packed
    if bits in _INTEGER_OF_BITS:
        words = padded.view(_INTEGER_OF_BITS[bits]).long()
    else:
        spread = padded.new_zeros(groups, 8)
        spread[:, :bits] = padded.view(groups, bits)
        words = spread.view(-1).view(torch.int64)
    for low, high, gap in reversed(_steps(bits)):
        # The sign of a converted number spreads into bits that these two masks leave out.
        words = (words & low).bitwise_or_((words & high).bitwise_left_shift_(gap))
    return words.view(torch.uint8)[:count].long()


@cache
def _steps(bits: int) -> list[tuple[int, int, int]]:
    """Return the masks of what stays and of what moves, once moved, and how far, for each step."""
    steps = []
    for size in (1, 2, 4):  # codes that already stand together
        length = size * bits
        stays = sum(((1 << length) - 1) << start for start in range(0, 64, 16 * size))
        steps.append((stays, stays << length, size * (8 - bits)))
    return steps
