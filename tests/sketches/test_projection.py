"""Projection: signs from bytes, and xhat = x R R^T."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.sketches import Projection
from radexp.sketches.projection import random_signs

DOUBLE = torch.zeros(0, dtype=torch.float64)


@pytest.mark.parametrize("keep", [0, -0.1, 1, 1.5, float("nan")])
def test_keep_out_of_range_is_refused(keep):
    with pytest.raises(UsageError, match=rf"keep={keep}: allowed is 0 < keep < 1; use Exact\(\)"):
        Projection(keep)


@pytest.mark.parametrize("shape", [(), (1,), (63,), (64,), (65,), (3, 5, 7), (2, 0, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_signs_are_plus_or_minus_one(shape, dtype):
    signs = random_signs(shape, 0, torch.zeros(0, dtype=dtype))
    assert (signs.shape, signs.dtype) == (torch.Size(shape), dtype)
    assert torch.equal(signs.abs(), torch.ones_like(signs))


def test_signs_come_from_the_seed_alone():
    first, again, other = (random_signs((200,), seed, DOUBLE) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_signs_are_balanced_and_uncorrelated_within_and_across_bytes():
    signs = random_signs((10_000, 16), 0, DOUBLE)
    # A mean of 10,000 signs has standard deviation 0.01; five of them over 136 moments.
    assert signs.mean(0).abs().max() < 0.05
    assert (signs.T @ signs / 10_000 - torch.eye(16)).abs().max() < 0.05


def test_a_callers_changes_to_signs_do_not_reach_the_next_draw():
    before = random_signs((64,), 0, DOUBLE)
    random_signs((64,), 0, DOUBLE).zero_()
    assert torch.equal(random_signs((64,), 0, DOUBLE), before)


def test_rows_of_a_group_share_one_symmetric_projection():
    sketch, shape = Projection(0.4), (3, 11, 11)
    identity = torch.eye(11, dtype=torch.float64).expand(shape)
    operator_GDD = sketch.restore(sketch.compress(identity, 7), shape, 7)
    torch.testing.assert_close(operator_GDD, operator_GDD.transpose(1, 2))
    torch.testing.assert_close(operator_GDD.diagonal(dim1=1, dim2=2), torch.ones(3, 11).double())
    torch.testing.assert_close(operator_GDD * 5, (operator_GDD * 5).round())


def test_repr_shows_every_setting():
    assert repr(Projection(0.1)) == "Projection(keep=0.1)"
