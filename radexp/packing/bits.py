"""Eight booleans to a byte."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from radexp.kernels import masks, serves

_threshold_backward_ = torch.ops.aten.threshold_backward.grad_input
# Multiplying eight bytes of 0 or 1, read as one little-endian integer, by this constant collects
# byte i's bit at position 56 + i; no two partial products meet, so nothing carries.
_GATHER = 0x0102040810204080
# Entries at a time: what is in between then stays in a cache.
BLOCK = 2**19


def packed_bytes(count: int) -> int:
    """Return the bytes that ``count`` packed booleans take: ceil(count / 8)."""
    return -(-count // 8)


def pack_bits(values: Tensor) -> Tensor:
    """Pack whether entries are not zero, eight to a byte.

    Args:
        values: Tensor of any shape and dtype; booleans are packed as they are.

    Returns:
        uint8 tensor of shape (ceil(values.numel() / 8),); bit i of byte j is entry 8 j + i.

    Example:
        >>> pack_bits(torch.tensor([True, False, True])).tolist()
        [5]
    """
    if serves(values):
        return masks.pack_nonzero(values.contiguous())
    flat = values.reshape(-1)
    packed = torch.empty(packed_bytes(flat.numel()), dtype=torch.uint8, device=flat.device)
    for block, entries in zip(packed.split(BLOCK // 8), flat.split(BLOCK), strict=True):
        mask = entries.bool()
        if missing := -mask.numel() % 8:
            mask = torch.cat([mask, mask.new_zeros(missing)])
        elif mask.storage_offset() % 8 or not mask.is_contiguous():
            mask = mask.clone()  # eight bytes can be read as one integer only where aligned
        block.copy_((mask.view(torch.int64) * _GATHER).bitwise_right_shift_(56))
    return packed


def unpack_bits(
    packed: Tensor, shape: torch.Size, dtype: torch.dtype, memory: Tensor | None = None
) -> Tensor:
    """Return what ``pack_bits`` packed as numbers 0 and 1.

    Args:
        packed: uint8 tensor from ``pack_bits``.
        shape: Shape of the mask that was packed.
        dtype: Of the result.
        memory: Where to write the result, at least ``8 * packed.numel()`` numbers; None: fresh.

    Example:
        >>> unpack_bits(torch.tensor([5], dtype=torch.uint8), torch.Size([3]), torch.float32)
        tensor([1., 0., 1.])
    """
    if memory is None:
        memory = torch.empty(8 * packed.numel(), dtype=dtype, device=packed.device)
    result = memory[: shape.numel()]
    if serves(result):
        masks.unpack_bits(packed, result)
    else:
        table = _bits_of_byte(dtype, packed.device)
        rows = memory[: 8 * packed.numel()].view(-1, 8)
        for block, part in zip(packed.split(BLOCK // 8), rows.split(BLOCK // 8), strict=True):
            torch.index_select(table, 0, block.int(), out=part)
    return result.view(shape)


def select_by_bits(values: Tensor, packed: Tensor) -> Tensor:
    """Return entries whose bit is set, and zero for the others, whatever they are.

    Args:
        values: Tensor of any shape and floating-point dtype.
        packed: Its bits, from ``pack_bits`` of a tensor of that shape.

    Example:
        >>> select_by_bits(torch.tensor([3.0, 4.0]), torch.tensor([2], dtype=torch.uint8))
        tensor([0., 4.])
    """
    if serves(values):
        return masks.select_by_bits(values.contiguous(), packed)
    alive = unpack_bits(packed, values.shape, values.dtype)
    # values where alive > 0, else 0, written over alive; four times as fast as masked_fill.
    _threshold_backward_(values, alive, 0, grad_input=alive)
    return alive


@cache
def _bits_of_byte(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the constant (256, 8) table of the bits of each byte, lowest first."""
    byte = torch.arange(256, device=device).unsqueeze(1)
    return ((byte >> torch.arange(8, device=device)) & 1).to(dtype)
