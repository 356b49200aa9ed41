"""Rounding of what is not zero: compiled against plain PyTorch, its room, and its mean."""

import pytest
import torch

from radexp.kernels.rounding import GROUP, PART_GROUPS
from radexp.packing import code_bytes, pack_bits, rounded_alive
from radexp.packing.rounded_alive import pack_alive, unpack_alive
from radexp.sketches import Rounding

SIZES = [1, 9, GROUP, 3 * GROUP + 19, (PART_GROUPS + 2) * GROUP + 5]

each_length = pytest.mark.parametrize("bits", [1, 2, 3, 5, 8])
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def entries(size, dtype, dead=0.6):
    draws = torch.Generator().manual_seed(size)
    values = torch.randn(size, generator=draws, dtype=dtype)
    values[GROUP : 2 * GROUP] = 0  # a group with none alive
    return torch.where(torch.rand(size, generator=draws) < dead, 0, values)


def steps_of_entries(scales, values, bits):
    """Return the distance of two levels of an entry's group, where it is the longest."""
    steps = torch.empty_like(values)
    for group, (_, span) in enumerate(scales):
        part = slice(group * GROUP, (group + 1) * GROUP)
        room, num = 8 * code_bytes(len(values[part]), bits), int(values[part].count_nonzero())
        steps[part] = span / (2 ** min(8, room // max(1, num)) - 1)
    return steps


@pytest.mark.parametrize("size", SIZES)
@each_length
@each_dtype
def test_the_compiled_loops_do_what_plain_pytorch_does(monkeypatch, size, bits, dtype):
    values = entries(size, dtype)
    alive = pack_bits(values)
    packed, scales = pack_alive(values, alive, bits, seed=5)
    restored = unpack_alive(packed, scales, alive, bits, size)
    monkeypatch.setattr(rounded_alive, "serves", lambda tensor: False)
    plain_packed, plain_scales = pack_alive(values, alive, bits, seed=5)
    assert packed.nbytes == plain_packed.nbytes == code_bytes(size, bits)
    # A range is the difference of two numbers times another: two roundings, or one if fused.
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(scales, plain_scales, rtol=2 * eps, atol=0)
    # The same codes give the same levels, up to two roundings of the range.
    plain = unpack_alive(packed, scales, alive, bits, size)
    bound = 2 * eps * (values.abs().amax() + 1)
    assert (restored - plain).abs().max() <= bound
    # And codes differ where t + u is within a few roundings of a whole number: one entry in 10^4.
    other = unpack_alive(plain_packed, plain_scales, alive, bits, size)
    step = steps_of_entries(scales, values, bits)
    off = (restored - other).abs()
    assert (off <= step * (1 + 300 * eps) + bound).all()
    assert (off > bound + 300 * eps * step).sum() <= 1e-4 * size


@each_length
def test_entries_stay_within_a_step_and_zeros_are_zero(bits):
    values = entries(5 * GROUP + 7, torch.float64)
    alive = pack_bits(values)
    packed, scales = pack_alive(values, alive, bits, seed=0)
    restored = unpack_alive(packed, scales, alive, bits, len(values))
    assert torch.equal(restored[values == 0], values[values == 0])
    assert ((restored - values).abs() <= steps_of_entries(scales, values, bits)).all()


def test_all_bits_are_shared_out():
    """Of 512 bits 300 entries get one each, and 208 of them, in eights, another one."""
    values = torch.zeros(GROUP, dtype=torch.float64)
    values[:300] = 1 + torch.rand(300, generator=torch.Generator().manual_seed(0))
    alive = pack_bits(values)
    packed, scales = pack_alive(values, alive, 1, seed=0)
    low, span = scales[0]
    levels = (unpack_alive(packed, scales, alive, 1, GROUP)[:300] - low) / span
    assert set(levels[:208].mul(3).round(decimals=9).tolist()) == {0, 1, 2, 3}
    assert set(levels[208:].round(decimals=9).tolist()) == {0, 1}


def test_the_mean_is_the_matrix_and_the_noise_a_ninth_of_one_bit_each():
    x = torch.rand(1, 1, GROUP, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[..., ::2] = 0
    shape, draws = tuple(x.shape), 4000
    sketches = {"all": Rounding(1), "alive": Rounding(1).among(pack_bits(x))}
    noise = {}
    for name, sketch in sketches.items():
        total, squares = torch.zeros_like(x), torch.zeros_like(x)
        for seed in range(draws):
            off = sketch.restore(sketch.compress(x, seed), shape, seed) - x
            total, squares = total + off, squares + off.square()
        error = (squares / draws).sqrt() / draws**0.5
        # Of 256 entries the largest of the z values stays below 5 but once in 10^4 times.
        assert (total.abs() / draws <= 5 * error + 1e-12).all()
        noise[name] = float(squares.sum()) / draws
    # Two bits have steps of a third: a ninth of the noise, but for what the ends save.
    assert 7 < noise["all"] / noise["alive"] < 11


def test_what_is_not_finite_comes_back_as_not_finite():
    x = entries(2 * GROUP, torch.float32)
    x[7] = torch.nan
    alive = pack_bits(x)
    found = unpack_alive(*pack_alive(x, alive, 2, 0), alive, 2, len(x))
    assert found[7].isnan()
    assert found[GROUP:].isfinite().all()
