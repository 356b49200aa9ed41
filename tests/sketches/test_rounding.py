"""Stochastic rounding: what it keeps, how it treats odd numbers, and what it refuses."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.kernels.rounding import GROUP
from radexp.packing.rounded import BLOCK, round_block
from radexp.sketches import Rounding


def restored(sketch, x, seed=0):
    return sketch.restore(sketch.compress(x, seed), tuple(x.shape), seed)


def draw(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.parametrize("bits", [0, 9, -1])
def test_other_lengths_are_refused(bits):
    with pytest.raises(UsageError, match=rf"bits={bits}: allowed is 1 to 8; use Exact\(\)"):
        Rounding(bits)


def test_where_codes_and_scales_take_no_less_the_matrix_is_kept():
    x = draw(1, 1, 2)  # 8 bytes; a code and two scales take 9
    assert Rounding(1).compress(x, 0) == (x,)
    assert restored(Rounding(1), x) is x
    assert len(Rounding(1).compress(draw(1, 1, 3), 0)) == 2


def test_a_group_has_a_scale_of_its_own():
    x = torch.cat([torch.zeros(GROUP), 100 + draw(GROUP), draw(3)]).view(1, 1, -1)
    found = restored(Rounding(8), x).flatten()
    assert torch.equal(found[:GROUP], torch.zeros(GROUP))
    # A step is a 255th of a group's range, here below 8.
    assert (found - x.flatten()).abs().max() < 8 / 255


def test_more_entries_than_are_in_flight_at_a_time(monkeypatch):
    x = draw(1, 3, 2 * GROUP + 5, dtype=torch.bfloat16)
    whole = Rounding(3).compress(x, seed=5)
    monkeypatch.setattr("radexp.packing.rounded.BLOCK", GROUP)
    assert x.numel() < BLOCK
    assert all(map(torch.equal, whole, Rounding(3).compress(x, seed=5)))
    assert torch.equal(
        Rounding(3).restore(whole, (1, 3, 2 * GROUP + 5), 5), restored(Rounding(3), x, 5)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_does_not_come_back_as_finite(dtype, odd):
    x = draw(1, 2, GROUP, dtype=dtype)
    x[0, 0, 7] = odd
    found = restored(Rounding(2), x)
    assert not found[0, 0].isfinite().all()
    assert found[0, 1].isfinite().all()


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_the_largest_bfloat16_is_below_the_top_level(bits):
    values = draw(40 * GROUP, dtype=torch.bfloat16)
    _, scales = round_block(values, bits, (0, 0))
    top = scales[:, 0].double() + (2**bits - 1) * scales[:, 1].double()
    assert (top >= values.view(-1, GROUP).amax(1)).all()


def test_its_repr_says_how_long_a_code_is():
    assert repr(Rounding(3)) == "Rounding(bits=3)"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_numbers_near_the_least_that_there_is_stay_finite(dtype):
    least = torch.finfo(dtype).smallest_normal
    x = (draw(1, 1, GROUP, dtype=torch.float64) * least / 64).to(dtype)
    assert x.abs().max() < least
    assert restored(Rounding(2), x).isfinite().all()
