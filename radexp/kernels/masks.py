"""Masks of one bit an entry: made and applied in one pass over the entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from radexp.kernels.parallel import compiled, run_parts

# Bytes of a mask that one thread makes or applies at a time.
PART_BYTES = 2**14

# The bits of each byte, and for each bit a number with all bits set or none.
_BITS = (np.arange(256)[:, None] >> np.arange(8)) & 1
_SELECTORS = -_BITS
_BITS_OF_SIZE = {4: _BITS.astype(np.float32), 8: _BITS.astype(np.float64)}
_SELECTORS_OF_SIZE = {4: _SELECTORS.astype(np.int32), 8: _SELECTORS.astype(np.int64)}
_INTEGER_OF_SIZE = {4: torch.int32, 8: torch.int64}


def pack_nonzero(values: Tensor) -> Tensor:
    """Return which entries are not zero, bit i of byte j for entry 8 j + i.

    Args:
        values: Contiguous, float32 or float64, on the CPU; NaN is not zero.

    Returns:
        uint8 tensor of shape (ceil(values.numel() / 8),).

    Example:
        >>> pack_nonzero(torch.tensor([3.0, 0.0, -1.0])).tolist()
        [5]
    """
    integers = _INTEGER_OF_SIZE[values.itemsize]
    entries = values.view(-1).view(integers).numpy()
    packed = torch.empty(-(-len(entries) // 8), dtype=torch.uint8)
    all_but_sign = torch.iinfo(integers).max
    _in_parts(_pack, len(packed), entries, packed.numpy(), all_but_sign)
    return packed


def select_by_bits(values: Tensor, packed: Tensor) -> Tensor:
    """Return entries whose bit is set, and zero for the others, whatever they are.

    Args:
        values: Contiguous, float32 or float64, on the CPU.
        packed: Their bits, as ``pack_nonzero`` returns them.

    Example:
        >>> select_by_bits(torch.tensor([3.0, float("nan")]), torch.tensor([1]).byte()).tolist()
        [3.0, 0.0]
    """
    result = torch.empty_like(values)
    integers = _INTEGER_OF_SIZE[values.itemsize]
    source, target = (tensor.view(-1).view(integers).numpy() for tensor in (values, result))
    selectors = _SELECTORS_OF_SIZE[values.itemsize]
    _in_parts(_select, len(packed), source, packed.numpy(), selectors, target)
    return result


def unpack_bits(packed: Tensor, result: Tensor) -> None:
    """Write the bits of a mask as numbers 0 and 1.

    Args:
        packed: As ``pack_nonzero`` returns it.
        result: Where to write; float32 or float64, contiguous, as many as there are bits to write.

    Example:
        >>> memory = torch.empty(3)
        >>> unpack_bits(torch.tensor([5], dtype=torch.uint8), memory)
        >>> memory
        tensor([1., 0., 1.])
    """
    target = result.view(-1).numpy()
    _in_parts(_unpack, len(packed), packed.numpy(), _BITS_OF_SIZE[result.itemsize], target)


def _in_parts(loop: Callable[..., None], num_bytes: int, *operands: Any) -> None:
    """Run a loop over all bytes of a mask, a part of them at a time."""

    def part(index: int) -> None:
        loop(*operands, index * PART_BYTES, min(num_bytes, (index + 1) * PART_BYTES))

    run_parts(part, -(-num_bytes // PART_BYTES))


@compiled()
def _pack(values: Any, packed: Any, magnitude: int, start: int, stop: int) -> None:
    """Pack numbers that are read as integers; without its sign -0.0 is zero too."""
    whole = min(stop, len(values) // 8)
    for j in range(start, whole):
        a = values[8 * j : 8 * j + 8]
        packed[j] = (
            (a[0] & magnitude != 0)
            | (a[1] & magnitude != 0) << 1
            | (a[2] & magnitude != 0) << 2
            | (a[3] & magnitude != 0) << 3
            | (a[4] & magnitude != 0) << 4
            | (a[5] & magnitude != 0) << 5
            | (a[6] & magnitude != 0) << 6
            | (a[7] & magnitude != 0) << 7
        )
    if whole < stop:  # the last byte, not full
        last = 0
        for i in range(8 * whole, len(values)):
            last |= (values[i] & magnitude != 0) << (i - 8 * whole)
        packed[whole] = last


@compiled()
def _select(values: Any, packed: Any, selectors: Any, result: Any, start: int, stop: int) -> None:
    """Write numbers that are read as integers, or zero, one byte of the mask after the other."""
    whole = min(stop, len(values) // 8)
    for j in range(start, whole):
        selector = selectors[packed[j]]
        for i in range(8):
            result[8 * j + i] = values[8 * j + i] & selector[i]
    if whole < stop:
        for i in range(8 * whole, len(values)):
            result[i] = values[i] & selectors[packed[whole], i - 8 * whole]


@compiled()
def _unpack(packed: Any, bits: Any, result: Any, start: int, stop: int) -> None:
    """Write the bits of bytes ``start`` to ``stop`` as numbers."""
    whole = min(stop, len(result) // 8)
    for j in range(start, whole):
        row = bits[packed[j]]
        for i in range(8):
            result[8 * j + i] = row[i]
    if whole < stop:
        for i in range(8 * whole, len(result)):
            result[i] = bits[packed[whole], i - 8 * whole]
