"""Compiled quanta against their plain PyTorch counterpart."""

import pytest
import torch

from radexp.kernels.quanta import PART_BLOCKS, add_quanta, place_quanta
from radexp.packing.positions import largest_code, pack_positions, unpack_positions
from radexp.sketches.importance import choose

BLOCKS, ENTRIES = 2 * PART_BLOCKS + 3, 97
CASES = [(bytes_, signed) for bytes_ in (2, 9, 30, 90, 400) for signed in (False, True)]


def problem(row_bytes, signed, dtype):
    draws = torch.Generator().manual_seed(row_bytes)
    x = torch.randn(BLOCKS, ENTRIES, generator=draws, dtype=dtype)
    x[1] = 0  # a block without anything to choose
    x[2, :-1], x[3, 1:] = 0, 0
    x[4, 7], x[5, 8] = torch.nan, torch.inf
    centers = x.nan_to_num().amin(1).double() * (not signed)
    u = torch.rand(BLOCKS, generator=draws).double()
    return x, centers, u, largest_code(8 * row_bytes, ENTRIES * (1 + signed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("row_bytes", "signed"), CASES)
def test_places_and_sums_are_those_of_the_counterpart(row_bytes, signed, dtype):
    x, centers, u, code = problem(row_bytes, signed, dtype)
    packed = torch.zeros(BLOCKS, row_bytes, dtype=torch.uint8)
    place_quanta(x, centers, u, packed, code)
    places = unpack_positions(packed, code)
    assert torch.equal(packed, pack_positions(places, code, row_bytes))
    wanted = choose(x, centers, u, code)
    # A sum is off by a few roundings; a quantum is elsewhere only where it is that near to the
    # border of two entries.
    assert ((places - wanted) != 0).sum() <= 1e-4 * places.numel()
    found, steps = torch.empty_like(x), torch.rand(BLOCKS, dtype=dtype)
    add_quanta(packed, centers.to(dtype), steps, code, found)
    signs = 1 - 2 * (places & 1).to(dtype) if signed else torch.ones_like(places, dtype=dtype)
    counts = torch.zeros_like(x).scatter_add_(1, places >> signed, signs)
    # A product and a sum, fused or not.
    torch.testing.assert_close(found, centers[:, None].to(dtype) + counts * steps[:, None])


def test_the_number_of_threads_changes_nothing():
    x, centers, u, code = problem(90, True, torch.float32)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            packed, xhat = torch.zeros(BLOCKS, 90, dtype=torch.uint8), torch.empty_like(x)
            place_quanta(x, centers, u, packed, code)
            add_quanta(packed, u.float(), u.float(), code, xhat)
            found.append((packed, xhat))
    finally:
        torch.set_num_threads(before)
    assert all(map(torch.equal, *found))
