"""Sorted positions: as many as fit, and back again."""

import pytest
import torch

from radexp.packing.positions import PositionCode, largest_code, least_bits
from radexp.packing.positions import pack_positions as pack
from radexp.packing.positions import unpack_positions as unpack

CODES = [(bits, universe) for universe in (1, 2, 7, 64, 301) for bits in (24, 100, 999)]


@pytest.mark.parametrize(("bits", "universe"), CODES)
def test_as_many_positions_as_fit_come_back(bits, universe):
    code = largest_code(bits, universe)
    assert code.bits <= bits
    assert all(PositionCode(code.num_kept + 1, universe, low).bits > bits for low in range(10))
    draws = torch.Generator().manual_seed(bits)
    positions = torch.randint(universe, (5, code.num_kept), generator=draws).sort(1).values
    packed = pack(positions, code, -(-bits // 8))
    assert packed.shape == (5, -(-bits // 8))
    assert torch.equal(unpack(packed, code), positions)


@pytest.mark.parametrize("universe", [1, 2, 7, 64, 301, 4096])
def test_one_position_takes_little_more_than_its_digits(universe):
    assert largest_code(least_bits(universe), universe).num_kept == 1
    assert least_bits(universe) <= max(1, (universe - 1).bit_length() + 1)
