"""Eight booleans to a byte."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

# Multiplying eight bytes of 0 or 1, read as one little-endian integer, by this constant collects
# byte i's bit at position 56 + i; no two partial products meet, so nothing carries.
_GATHER = 0x0102040810204080


def packed_bytes(count: int) -> int:
    """Return the bytes that ``count`` packed booleans take: ceil(count / 8)."""
    return -(-count // 8)


def pack_bits(mask: Tensor) -> Tensor:
    """Pack booleans eight to a byte.

    Args:
        mask: Boolean tensor of any shape.

    Returns:
        uint8 tensor of shape (ceil(mask.numel() / 8),); bit i of byte j is entry 8 j + i.

    Example:
        >>> pack_bits(torch.tensor([True, False, True])).tolist()
        [5]
    """
    flat = mask.reshape(-1).contiguous()
    if missing := -flat.numel() % 8:
        flat = torch.cat([flat, flat.new_zeros(missing)])
    elif flat.storage_offset() % 8:
        flat = flat.clone()  # eight bytes can be read as one integer only where they are aligned
    return (flat.view(torch.int64) * _GATHER).bitwise_right_shift_(56).to(torch.uint8)


def unpack_bits(packed: Tensor, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """Return what ``pack_bits`` packed as numbers 0 and 1, fresh memory of the given dtype.

    Args:
        packed: uint8 tensor from ``pack_bits``.
        shape: Shape of the mask that was packed.
        dtype: Of the result.

    Example:
        >>> unpack_bits(torch.tensor([5], dtype=torch.uint8), torch.Size([3]), torch.float32)
        tensor([1., 0., 1.])
    """
    table = _bits_of_byte(dtype, packed.device)
    flat = table.index_select(0, packed.int()).view(-1)
    return flat[: shape.numel()].view(shape)


@cache
def _bits_of_byte(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the constant (256, 8) table of the bits of each byte, lowest first."""
    byte = torch.arange(256, device=device).unsqueeze(1)
    return ((byte >> torch.arange(8, device=device)) & 1).to(dtype)
