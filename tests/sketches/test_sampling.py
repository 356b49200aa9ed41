"""Sampling: which coordinates are kept, how they are scaled, and who shares them."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.sketches import Sampling

SHAPE = (3, 4, 11)
CPU = torch.device("cpu")


@pytest.mark.parametrize("keep", [0, -0.1, 1, 1.5, float("nan")])
def test_keep_out_of_range_is_refused(keep):
    with pytest.raises(UsageError, match=rf"keep={keep}: allowed is 0 < keep < 1; use Exact\(\)"):
        Sampling(keep)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(("shared", "shape"), [(True, (3, 1, 5)), (False, (3, 4, 5))])
def test_positions_are_columns(shared, shape, replacement):
    positions = Sampling(0.4, shared, replacement).positions(SHAPE, 0, CPU)
    assert positions.shape == shape
    assert positions.dtype == torch.int64
    assert 0 <= positions.min() <= positions.max() < 11


def test_without_replacement_no_column_comes_twice():
    positions = Sampling(0.9, replacement=False).positions((20, 30, 11), 0, CPU)
    assert (positions.sort(-1).values.diff(dim=-1) > 0).all()


def test_with_replacement_some_column_comes_twice_and_adds_up():
    sketch, x = Sampling(0.9, shared=True), torch.ones(1, 1, 11)
    xhat = sketch.restore(sketch.compress(x, 0), x.shape, 0)
    assert xhat.max() >= 2 * 11 / 10
    assert xhat.sum().item() == pytest.approx(11)


@pytest.mark.parametrize("replacement", [True, False])
def test_every_column_is_drawn_equally_often(replacement):
    positions = Sampling(0.3, replacement=replacement).positions((100, 100, 11), 0, CPU)
    share = torch.bincount(positions.flatten(), minlength=11) / positions.numel()
    # 40,000 draws: a share's standard deviation is at most sqrt(1/11 / 40,000) = 0.0015.
    assert (share - 1 / 11).abs().max() < 5 * 0.0015


@pytest.mark.parametrize("replacement", [True, False])
def test_rows_share_positions_only_if_told_to(replacement):
    x = torch.rand(1, 1, 65).expand(2, 6, 65)
    for shared in (True, False):
        sketch = Sampling(0.2, shared, replacement)
        (values_GNK,) = sketch.compress(x, 0)
        same = (values_GNK == values_GNK[:, :1]).all(-1)
        # Without replacement there are D / K = 5 samples, so that some of 6 rows agree.
        assert same.all() if shared else not same[:, 1:].all(-1).any()
        assert shared or not replacement or not same[:, 1:].any()


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("replacement", [True, False])
def test_restored_entries_are_zero_or_a_multiple_of_scale(shared, replacement):
    sketch, x = Sampling(0.4, shared, replacement), torch.rand(SHAPE, dtype=torch.float64) + 1
    times = sketch.restore(sketch.compress(x, 5), SHAPE, 5) / x * 5 / 11
    torch.testing.assert_close(times, times.round())
    assert torch.equal(times.round().sum(-1), torch.full((3, 4), 5.0, dtype=torch.float64))


def test_shared_samples_of_one_group_and_of_many_agree():
    sketch, x = Sampling(0.4, shared=True), torch.rand(2, 4, 11)
    (both,) = sketch.compress(x, 0)
    columns = sketch.positions((2, 4, 11), 0, CPU)
    for group in range(2):
        assert torch.equal(both[group], x[group][:, columns[group, 0]])


def test_repr_shows_every_setting():
    assert repr(Sampling(0.1)) == "Sampling(keep=0.1, shared=False, replacement=True)"
