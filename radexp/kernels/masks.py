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

# Entries that one thread looks at before it packs their bits, few enough to stay in a cache.
BLOCK = 4096

# Multiplying eight bytes of 0 or 1, read as one little-endian integer, by this constant collects
# byte i's bit at position 56 + i; no two partial products meet, so nothing carries.
_GATHER, _TOP = np.uint64(0x0102040810204080), np.uint64(56)

# The bits of each byte, and for each bit a number with all bits set or none.
_BITS = (np.arange(256)[:, None] >> np.arange(8)) & 1
_SELECTORS = -_BITS
_BITS_OF_SIZE = {4: _BITS.astype(np.float32), 8: _BITS.astype(np.float64)}
SELECTORS_OF_SIZE = {4: _SELECTORS.astype(np.int32), 8: _SELECTORS.astype(np.int64)}
_INTEGER_OF_SIZE = {4: torch.int32, 8: torch.int64}


def as_integers(values: Tensor) -> Tensor:
    """View floating-point numbers as integers of the same size."""
    return values.view(_INTEGER_OF_SIZE[values.itemsize])


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
    entries = as_integers(values.view(-1)).numpy()
    packed = torch.empty(-(-len(entries) // 8), dtype=torch.uint8)
    all_but_sign = np.iinfo(entries.dtype).max
    _in_parts(_pack, len(packed), entries, packed.numpy(), all_but_sign)
    return packed


def relu_and_pack(values: Tensor, result: Tensor) -> Tensor:
    """Write ``max(values, 0)`` and return which entries are alive, in one pass.

    Args:
        values: Contiguous, float32 or float64, on the CPU; NaN is alive and stays NaN.
        result: Where to write, of the same kind; may be ``values`` itself.

    Returns:
        uint8 tensor of shape (ceil(values.numel() / 8),), the bits of ``pack_nonzero(result)``.

    Example:
        >>> values = torch.tensor([3.0, 0.0, -1.0, 2.0])
        >>> relu_and_pack(values, values).tolist(), values.tolist()
        ([9], [3.0, 0.0, 0.0, 2.0])
    """
    source, target = (tensor.view(-1).numpy() for tensor in (values, result))
    packed = torch.empty(-(-len(source) // 8), dtype=torch.uint8)
    _in_parts(_relu_and_pack, len(packed), source, target, packed.numpy())
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
    source, target = (as_integers(tensor.view(-1)).numpy() for tensor in (values, result))
    selectors = SELECTORS_OF_SIZE[values.itemsize]
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
    alive = np.zeros(BLOCK, np.uint8)
    for first in range(8 * start, min(8 * stop, len(values)), BLOCK):
        block = values[first : min(first + BLOCK, 8 * stop)]
        for i in range(len(block)):
            alive[i] = 1 if block[i] & magnitude else 0
        gather_bits(alive, len(block), packed[first // 8 :])


@compiled()
def _relu_and_pack(values: Any, result: Any, packed: Any, start: int, stop: int) -> None:
    """Write and pack what is alive of the entries of bytes ``start`` to ``stop``."""
    alive = np.zeros(BLOCK, np.uint8)
    for first in range(8 * start, min(8 * stop, len(values)), BLOCK):
        last = min(first + BLOCK, 8 * stop)
        relu_to_bits(values[first:last], result[first:last], alive, packed[first // 8 :])


@compiled(inline=True)
def relu_to_bits(values: Any, result: Any, alive: Any, packed: Any) -> None:
    """Write ``max(values, 0)`` and the bits of what is alive; ``alive`` is scratch."""
    for i in range(len(values)):
        result[i] = 0 if values[i] < 0 else values[i]  # -0.0 and NaN stay, as in PyTorch
        alive[i] = 0 if values[i] <= 0 else 1
    gather_bits(alive, len(values), packed)


@compiled(inline=True)
def gather_bits(alive: Any, count: int, packed: Any) -> None:
    """Pack the first ``count`` bytes of ``alive``, each 0 or 1; there is room for whole eights."""
    alive[count : -(-count // 8) * 8] = 0
    words = alive.view(np.uint64)
    for j in range(-(-count // 8)):
        packed[j] = (words[j] * _GATHER) >> _TOP


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
