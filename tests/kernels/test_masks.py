"""Compiled masks equal what PyTorch and NumPy make of the same numbers, on any threads."""

import math

import numpy as np
import pytest
import torch

from radexp.kernels.masks import BLOCK, PART_BYTES, pack_nonzero, relu_and_pack, select_by_bits

COUNTS = [0, 1, 7, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 8 * PART_BYTES + 13]
SPECIAL = [math.nan, -math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, -1e-45, 1.0, -1.0]

each_count = pytest.mark.parametrize("count", COUNTS)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def draw(count, dtype, seed=0):
    """Return numbers of both signs, zeros and all that is special among them."""
    numbers = torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    numbers[::3] = 0
    special = torch.tensor(SPECIAL, dtype=dtype)[:count]
    numbers[count - len(special) :] = special
    return numbers


def packed_by_numpy(mask):
    return torch.from_numpy(np.packbits(mask.numpy(), bitorder="little"))


@each_count
@each_dtype
def test_pack_nonzero(count, dtype):
    values = draw(count, dtype)
    assert torch.equal(pack_nonzero(values), packed_by_numpy(values != 0))


@each_count
@each_dtype
@pytest.mark.parametrize("in_place", [True, False])
def test_relu_and_pack(count, dtype, in_place):
    values = draw(count, dtype)
    wanted = values.relu()
    result = values if in_place else torch.full_like(values, 7.0)
    packed = relu_and_pack(values, result)
    assert torch.equal(result.nan_to_num(5.0), wanted.nan_to_num(5.0))
    assert torch.equal(packed, packed_by_numpy(wanted != 0))


@each_count
@each_dtype
def test_select_by_bits(count, dtype):
    values, mask = draw(count, dtype), draw(count, dtype, seed=1) > 0
    selected = select_by_bits(values, packed_by_numpy(mask))
    wanted = torch.where(mask, values, 0)
    assert torch.equal(selected.nan_to_num(5.0), wanted.nan_to_num(5.0))
