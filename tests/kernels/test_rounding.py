"""Compiled rounding against its plain PyTorch counterpart."""

import pytest
import torch

from radexp.kernels.rounding import GROUP, PART_GROUPS, codes_to_values, round_to_codes
from radexp.packing import code_bytes, unpack_codes
from radexp.packing.rounded import round_block

KEYS = 0xDEADBEEF, 0x12345678
SIZES = [1, 7, 8, GROUP - 1, GROUP, GROUP + 1, 3 * GROUP + 19, (PART_GROUPS + 2) * GROUP + 5]

each_size = pytest.mark.parametrize("size", SIZES)
each_length = pytest.mark.parametrize("bits", range(1, 9))
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def entries(size, dtype):
    return torch.randn(size, generator=torch.Generator().manual_seed(size), dtype=dtype)


def rounded(values, bits, keys=KEYS):
    packed = torch.empty(code_bytes(len(values), bits), dtype=torch.uint8)
    scales = values.new_empty(-(-len(values) // GROUP), 2)
    round_to_codes(values, packed, scales, bits, keys)
    return packed, scales


def of_entries(scales, count):
    return scales.repeat_interleave(GROUP, 0)[:count].unbind(1)


@each_size
@each_length
@each_dtype
def test_codes_are_those_of_the_counterpart(size, bits, dtype):
    values = entries(size, dtype)
    packed, scales = rounded(values, bits)
    codes, wanted_scales = round_block(values, bits, KEYS)
    assert torch.equal(scales, wanted_scales)
    found = unpack_codes(packed, size, bits)
    # Fused or not, t + u is off by two roundings of numbers up to 2^bits. Codes differ only where
    # it is that near to a whole number: one entry in 10^4 at most, as u is uniform.
    off = (found - codes).abs()
    assert off.max() <= 1
    assert off.count_nonzero() <= 1e-4 * size


@each_size
@each_length
@each_dtype
def test_values_are_the_levels_of_the_codes(size, bits, dtype):
    packed, scales = rounded(entries(size, dtype), bits)
    values = scales.new_empty(size)
    codes_to_values(packed, scales, bits, values)
    low, step = of_entries(scales, size)
    wanted = low + unpack_codes(packed, size, bits) * step
    # A sum of two numbers, fused with a product or not: at most two roundings apart.
    bound = torch.finfo(dtype).eps * (low.abs() + 2**bits * step)
    assert ((values - wanted).abs() <= bound).all()


@each_length
def test_entries_stay_within_a_step_and_extremes_within_their_group(bits):
    values = entries(5 * GROUP, torch.float64)
    packed, scales = rounded(values, bits)
    restored = torch.empty_like(values)
    codes_to_values(packed, scales, bits, restored)
    _, step = of_entries(scales, len(values))
    assert ((restored - values).abs() < step).all()
    lows = values.view(-1, GROUP).amin(1)
    assert torch.equal(scales[:, 0], lows)
    assert torch.equal(restored[values == lows.repeat_interleave(GROUP)], lows)


def test_the_number_of_threads_changes_nothing():
    values, before = entries(9 * PART_GROUPS * GROUP + 3, torch.float32), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(rounded(values, 3))
    finally:
        torch.set_num_threads(before)
    assert all(map(torch.equal, *found))


@pytest.mark.parametrize("keys", [(1, 0), (0, 1), (0, 2**31)])
def test_each_half_of_the_seed_counts(keys):
    values = torch.rand(GROUP, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(rounded(values, 1, keys)[0], rounded(values, 1, (0, 0))[0])


@pytest.mark.parametrize("value", [0.0, 3.5, -2.0])
def test_a_constant_is_kept_as_it_is(value):
    values = torch.full((GROUP + 3,), value)
    packed, scales = rounded(values, 2)
    restored = torch.empty_like(values)
    codes_to_values(packed, scales, 2, restored)
    assert torch.equal(restored, values)
