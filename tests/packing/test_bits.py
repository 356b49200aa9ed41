"""Packed booleans: round trips, sizes and the order of bits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radexp.packing.bits import pack_bits, packed_bytes, unpack_bits

DTYPES = [torch.float32, torch.float64, torch.bfloat16]


@given(st.lists(st.booleans(), max_size=200), st.sampled_from(DTYPES))
def test_bits_survive_packing(entries, dtype):
    packed = pack_bits(torch.tensor(entries, dtype=torch.bool))
    unpacked = unpack_bits(packed, torch.Size([len(entries)]), dtype)
    assert (unpacked.dtype, unpacked.tolist()) == (dtype, entries)
    assert (
        packed.untyped_storage().nbytes() == packed_bytes(len(entries)) == (len(entries) + 7) // 8
    )


@given(st.lists(st.booleans(), min_size=1, max_size=64))
def test_bit_i_of_byte_j_is_entry_8j_plus_i(entries):
    packed = pack_bits(torch.tensor(entries)).tolist()
    assert entries == [bool(packed[n // 8] >> n % 8 & 1) for n in range(len(entries))]


@given(st.lists(st.integers(0, 5), max_size=4), st.integers(0, 2**31))
def test_shapes_survive_packing(shape, seed):
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 0.5
    assert torch.equal(unpack_bits(pack_bits(mask), mask.shape, torch.float32), mask.float())


VIEWS = {
    "transposed": lambda m: m.view(8, 16).t(),
    "strided": lambda m: m[::3],
    "expanded": lambda m: m[:5].expand(7, 5),
    "offset": lambda m: m[1:9],
    "offset and ragged": lambda m: m[3:16],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_pack_like_their_copies(view):
    mask = view(torch.rand(128, generator=torch.Generator().manual_seed(0)) > 0.5)
    assert torch.equal(
        pack_bits(mask), pack_bits(mask.clone(memory_format=torch.contiguous_format))
    )


def test_unpacked_memory_is_fresh():
    packed = pack_bits(torch.ones(8, dtype=torch.bool))
    unpack_bits(packed, torch.Size([8]), torch.float32).zero_()
    assert unpack_bits(packed, torch.Size([8]), torch.float32).sum() == 8
