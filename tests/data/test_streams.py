"""Bootstraps and index streams: distribution, seeds, exact resumption."""

import math

import pytest
import torch

from radexp.data import IndexStream, bootstrap_indices, hold_out_indices
from radexp.errors import UsageError

NUM = 100


def max_z(counts: torch.Tensor) -> float:
    """Return the largest z-score of counts that should be binomial and equally likely."""
    total, probability = int(counts.sum()), 1 / len(counts)
    sigma = math.sqrt(total * probability * (1 - probability))
    return float((counts - total * probability).abs().max() / sigma)


def test_bootstrap_is_as_long_as_the_data_and_within_it():
    chosen = bootstrap_indices(NUM, seed=0)
    assert chosen.shape == (NUM,)
    assert chosen.dtype == torch.int64
    assert chosen.min() >= 0
    assert chosen.max() < NUM
    assert bootstrap_indices(1, seed=5).tolist() == [0]


def test_each_seed_is_its_own_bootstrap():
    drawn = {tuple(bootstrap_indices(NUM, seed).tolist()) for seed in range(20)}
    assert len(drawn) == 20
    assert torch.equal(bootstrap_indices(NUM, 0), bootstrap_indices(NUM, 0))


def test_global_random_state_is_neither_used_nor_changed():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = bootstrap_indices(NUM, seed=0), IndexStream(NUM, 5, seed=0).next_batch()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    second = bootstrap_indices(NUM, seed=0), IndexStream(NUM, 5, seed=0).next_batch()
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_bootstraps_draw_every_example_equally_often():
    drawn = torch.cat([bootstrap_indices(10_000, seed) for seed in range(100)])
    assert max_z(drawn.bincount(minlength=10_000)) < 5.5
    assert max_z((drawn % 10).bincount(minlength=10)) < 4.5


def test_bootstraps_hold_the_share_that_theory_says():
    shares = torch.tensor([len(bootstrap_indices(NUM, s).unique()) / NUM for s in range(1000)])
    expected = 1 - (1 - 1 / NUM) ** NUM
    z = (shares.mean() - expected) / (shares.std() / math.sqrt(len(shares)))
    assert abs(z) < 4


def test_the_count_test_catches_a_planted_bias_of_three_percent():
    generator = torch.Generator().manual_seed(0)
    weights = torch.ones(10).index_fill(0, torch.tensor([7]), 1.03)
    drawn = torch.multinomial(weights, 1_000_000, replacement=True, generator=generator)
    assert max_z(drawn.bincount(minlength=10)) > 4.5


def test_stream_draws_uniformly_with_replacement_from_everything():
    stream = IndexStream(10, batch_size=10_000, seed=0)
    drawn = torch.cat([stream.next_batch() for _ in range(100)])
    assert max_z(drawn.bincount(minlength=10)) < 4.5


def test_stream_draws_uniformly_from_the_entries_of_the_bootstrap():
    indices = torch.tensor([3, 3, 3, 8])
    stream = IndexStream(NUM, batch_size=1000, seed=0, indices=indices)
    drawn = torch.cat([stream.next_batch() for _ in range(20)])
    assert drawn.unique().tolist() == [3, 8]
    num_threes = int((drawn == 3).sum())
    assert abs(num_threes - 15000) < 4 * math.sqrt(20000 * 0.75 * 0.25)


def test_batches_differ_within_a_stream_and_between_seeds():
    streams = [IndexStream(NUM, 50, seed) for seed in (0, 0, 1)]
    first, same, other = (stream.next_batch() for stream in streams)
    assert first.shape == (50,)
    assert first.dtype == torch.int64
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert not torch.equal(first, streams[0].next_batch())


@pytest.mark.parametrize("indices", [None, bootstrap_indices(NUM, 3)], ids=["all", "bootstrap"])
def test_a_resumed_stream_gives_the_same_batches(tmp_path, indices):
    stream = IndexStream(NUM, 7, seed=0, indices=indices)
    for _ in range(5):
        stream.next_batch()
    torch.save(stream.state_dict(), tmp_path / "state.pt")
    expected = [stream.next_batch() for _ in range(100)]
    resumed = IndexStream(NUM, 7, seed=0, indices=indices)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert all(torch.equal(batch, resumed.next_batch()) for batch in expected)


@pytest.mark.parametrize(
    "other",
    [
        IndexStream(NUM + 1, 7, seed=0),
        IndexStream(NUM, 8, seed=0),
        IndexStream(NUM, 7, seed=1),
        IndexStream(NUM, 7, seed=0, indices=torch.arange(5)),
    ],
    ids=repr,
)
def test_the_state_of_another_stream_is_refused(other):
    with pytest.raises(UsageError, match=r"state of a stream with .*: allowed is .*; resume with"):
        IndexStream(NUM, 7, seed=0).load_state_dict(other.state_dict())


@pytest.mark.parametrize("num_held_out", [0, 1, 30, NUM - 1])
def test_what_is_held_out_and_the_rest_are_the_whole(num_held_out):
    rest, held_out = hold_out_indices(NUM, num_held_out, seed=0)
    assert (len(rest), len(held_out)) == (NUM - num_held_out, num_held_out)
    assert torch.cat([rest, held_out]).sort().values.tolist() == list(range(NUM))
    assert all(torch.equal(part, part.sort().values) for part in (rest, held_out))


def test_every_example_is_held_out_equally_often_and_by_its_seed_alone():
    drawn = [hold_out_indices(NUM, 20, seed)[1] for seed in range(500)]
    assert max_z(torch.cat(drawn).bincount(minlength=NUM)) < 4.5
    assert len({tuple(part.tolist()) for part in drawn}) == 500
    assert torch.equal(hold_out_indices(NUM, 20, seed=3)[1], drawn[3])


@pytest.mark.parametrize("num_held_out", [-1, NUM, NUM + 1])
def test_holding_out_all_or_less_than_nothing_is_refused(num_held_out):
    message = f"training.holdout={num_held_out}: allowed is 0 to 99 of 100 training examples; try"
    with pytest.raises(UsageError, match=message):
        hold_out_indices(NUM, num_held_out, seed=0)


@pytest.mark.parametrize(("num_examples", "batch_size"), [(0, 1), (-1, 1), (1, 0)])
def test_sizes_below_one_are_refused(num_examples, batch_size):
    with pytest.raises(UsageError, match=r"(num_examples|batch_size)=.*: allowed is at least 1"):
        IndexStream(num_examples, batch_size, seed=0)


def test_a_bootstrap_of_nothing_is_refused():
    with pytest.raises(UsageError, match="num_examples=0: allowed is at least 1; try"):
        bootstrap_indices(0, seed=0)


@pytest.mark.parametrize(
    "indices", [torch.zeros(3), torch.zeros(2, 2).long(), torch.zeros(0).long()]
)
def test_indices_of_another_kind_are_refused(indices):
    with pytest.raises(UsageError, match=r"indices of torch\..*: allowed is torch\.int64"):
        IndexStream(NUM, 5, seed=0, indices=indices)


@pytest.mark.parametrize("index", [-1, NUM])
def test_indices_outside_the_data_are_refused(index):
    with pytest.raises(UsageError, match=rf"indices from {index} to {index}: allowed is 0 to 99"):
        IndexStream(NUM, 5, seed=0, indices=torch.tensor([index]))


def test_repr_tells_what_is_drawn():
    text = repr(IndexStream(NUM, 5, seed=0, indices=torch.arange(9)))
    assert text == "IndexStream(num_examples=100, batch_size=5, seed=0, drawing from 9)"
