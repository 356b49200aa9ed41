"""Sorted positions, in close to as many bits as it takes to tell which ones they are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from radexp.packing.bits import pack_bits, unpack_bits


class PositionCode(NamedTuple):
    """How K positions are written.

    The upper bits of position k set bit ``(position >> low) + k`` of a map; as positions are
    sorted no two meet there, and k is the number of bits set before. The lowest bits follow as
    they are. That is ``K (1 + low) + ((universe - 1) >> low)`` bits, about K (2 + log2(universe /
    K)) at the best ``low``.

    Attributes:
        num_kept: The number K.
        universe: What positions are below.
        low: How many lowest bits are kept as they are.

    Source: Elias, Efficient storage and retrieval by content and address of static files, 1974.
    """

    num_kept: int
    universe: int
    low: int

    @property
    def map_bits(self) -> int:
        """Length of the map."""
        return self.num_kept + ((self.universe - 1) >> self.low)

    @property
    def bits(self) -> int:
        """Length of the whole."""
        return self.map_bits + self.num_kept * self.low


def largest_code(bits: int, universe: int) -> PositionCode:
    """Return the code of as many positions as fit in so many bits.

    Example:
        >>> largest_code(100, 512)  # of 9 bits each, as they stand
        PositionCode(num_kept=14, universe=512, low=5)
    """
    lows = range(universe.bit_length())
    fits = [((bits - ((universe - 1) >> low)) // (1 + low), low) for low in lows]
    count, low = max(fits, key=lambda fit: fit[0])
    return PositionCode(count, universe, low)


def least_bits(universe: int) -> int:
    """Return the bits that one position takes at least."""
    return min(PositionCode(1, universe, low).bits for low in range(universe.bit_length()))


def pack_positions(positions_BK: Tensor, code: PositionCode, row_bytes: int) -> Tensor:
    """Pack rows of sorted positions, some perhaps equal, each row in so many bytes.

    Args:
        positions_BK: int64, in [0, universe).
        code: How to write them.
        row_bytes: Bytes of a row, at least ``code.bits / 8``; what is not needed is zero.

    Returns:
        uint8 tensor of shape (B, row_bytes).

    Example:
        >>> code = PositionCode(num_kept=3, universe=4, low=0)
        >>> pack_positions(torch.tensor([[0, 2, 2]]), code, row_bytes=1).tolist()
        [[25]]
    """
    size, device = (len(positions_BK), 8 * row_bytes), positions_BK.device
    bits = torch.zeros(size, dtype=torch.bool, device=device)
    order, shifts = (torch.arange(n, device=device) for n in (code.num_kept, code.low))
    bits.scatter_(1, (positions_BK >> code.low) + order, True)
    lowest = (positions_BK.unsqueeze(2) >> shifts).bitwise_and_(1)
    bits[:, code.map_bits : code.bits] = lowest.flatten(1).bool()
    return pack_bits(bits).view(-1, row_bytes)


def unpack_positions(packed: Tensor, code: PositionCode) -> Tensor:
    """Return what ``pack_positions`` packed, int64 (B, K)."""
    rows, row_bytes = packed.shape
    bits = unpack_bits(packed.flatten(), torch.Size((rows, 8 * row_bytes)), torch.float32)
    order, shifts = (torch.arange(n, device=bits.device) for n in (code.num_kept, code.low))
    upper = bits[:, : code.map_bits].nonzero()[:, 1].view(rows, code.num_kept) - order
    lowest = bits[:, code.map_bits : code.bits].long().view(rows, code.num_kept, code.low)
    return (upper << code.low) + (lowest << shifts).sum(2)
