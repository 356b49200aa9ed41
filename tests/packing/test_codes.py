"""Packed whole numbers: round trips, sizes and the order of bits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radexp.packing.bits import pack_bits
from radexp.packing.codes import code_bytes, pack_codes, unpack_codes

codes_of_a_length = st.integers(0, 20).flatmap(
    lambda bits: st.tuples(st.just(bits), st.lists(st.integers(0, 2**bits - 1), max_size=70))
)


def tensor_of(codes, bits):
    return torch.tensor(codes, dtype=torch.uint8 if bits <= 8 else torch.int32)


@given(codes_of_a_length)
def test_codes_survive_packing_in_no_more_bytes_than_they_need(drawn):
    bits, codes = drawn
    packed = pack_codes(tensor_of(codes, bits), bits)
    needed = (len(codes) * bits + 7) // 8
    assert packed.untyped_storage().nbytes() == code_bytes(len(codes), bits) == needed
    assert unpack_codes(packed, len(codes), bits).tolist() == codes


@given(codes_of_a_length.filter(lambda drawn: 1 <= drawn[0] <= 8))
def test_code_n_stands_from_bit_n_times_length_on(drawn):
    bits, codes = drawn
    number = int.from_bytes(bytes(pack_codes(tensor_of(codes, bits), bits).tolist()), "little")
    assert [number >> n * bits & (1 << bits) - 1 for n in range(len(codes))] == codes


@given(st.lists(st.booleans(), max_size=70))
def test_codes_of_one_bit_are_packed_booleans(entries):
    packed = pack_codes(torch.tensor(entries, dtype=torch.uint8), 1)
    assert torch.equal(packed, pack_bits(torch.tensor(entries, dtype=torch.bool)))


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 11])
def test_packing_leaves_the_codes_alone(bits):
    codes = tensor_of([1, 0] * 8, bits)
    packed = pack_codes(codes, bits)
    unpack_codes(packed, 16, bits).zero_()
    assert codes.tolist() == unpack_codes(packed, 16, bits).tolist() == [1, 0] * 8
