"""Importance sampling: how many are chosen, which bytes it takes, and what it does of odd data."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.sketches import Importance
from radexp.sketches.importance import BLOCK

SIGNED = torch.randn(2, 30, 97, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
DATA = {"signed": SIGNED, "alive": SIGNED.relu(), "shifted": SIGNED.relu() - 3}
KEEPS = (0.003, 0.03, 0.3)

each_data = pytest.mark.parametrize("x", DATA.values(), ids=DATA)
each_keep = pytest.mark.parametrize("keep", KEEPS)


def restored(sketch, x, seed=0):
    return sketch.restore(sketch.compress(x, seed), tuple(x.shape), seed)


@pytest.mark.parametrize("keep", [0, -0.1, 1, 1.5, float("nan")])
def test_keep_out_of_range_is_refused(keep):
    with pytest.raises(UsageError, match=rf"keep={keep}: allowed is 0 < keep < 1; use Exact\(\)"):
        Importance(keep)


@each_data
@each_keep
def test_entries_are_chosen_a_fixed_number_of_times(x, keep):
    # In each block the distances from the center add up to what they were: K steps.
    found, wanted = (t.flatten(1).unflatten(1, (2, -1)) for t in (restored(Importance(keep), x), x))
    distances = found.abs().sum(2), wanted.abs().sum(2)
    if x is DATA["shifted"]:
        distances = found.sum(2), wanted.sum(2)
    torch.testing.assert_close(*distances, rtol=1e-12, atol=0)


@each_data
@each_keep
def test_what_is_small_is_less_than_a_step_off(x, keep):
    sketch = Importance(keep)
    _, _, steps = kept = sketch.compress(x, 0)
    off = (sketch.restore(kept, tuple(x.shape), 0) - x).abs().view(len(steps), -1)
    assert (off < steps[:, None] * (1 + 1e-9)).all()


@each_data
def test_signs_are_kept_where_they_save_steps(x):
    packed, centers, _ = Importance(0.03).compress(x, 0)
    assert (packed[:, -1] >= 128).all() == (x is SIGNED)
    assert torch.equal(centers, x.flatten(1).view(len(centers), -1).amin(1) * (x is not SIGNED))


@each_keep
def test_it_takes_the_part_of_the_bytes_that_it_should(keep):
    shape = (3, 150, 784)
    part = Importance(keep).saved_bytes(shape, torch.float32) / (4 * 3 * 150 * 784)
    # A block's bytes are rounded down.
    assert keep - 1 / (4 * BLOCK * 0.9) < part <= keep


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_does_not_come_back_as_finite(odd):
    x = DATA["alive"].clone()
    x[0, 0, 7] = odd
    found = restored(Importance(0.1), x)
    assert not found[0].isfinite().all()
    assert found[1].isfinite().all()


def test_zeros_come_back_as_zeros():
    assert not restored(Importance(0.1), torch.zeros(1, 9, 33)).any()
