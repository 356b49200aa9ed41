"""Seeding: explicit, reproducible for ever, and without touching any global state."""

from itertools import product

import pytest
import torch

from radexp.seeding import SeedStream, derive_seed, generator


def test_seeds_are_pinned_so_that_old_runs_can_be_repeated():
    assert derive_seed(0, "bootstrap") == 8508294379998594475
    assert SeedStream(0, "0.weight").next() == derive_seed(0, "0.weight", 1)


def test_parts_differ_in_value_type_order_and_boundaries():
    parts = [(0,), ("0",), (0, 1), (1, 0), ("ab",), ("a", "b"), ("a\x1fb",), ("a'\x1f'b",), ()]
    assert len({derive_seed(*part) for part in parts}) == len(parts)


def test_seeds_fit_every_generator():
    seeds = [derive_seed(*parts) for parts in product(range(20), "abc", range(20))]
    assert len(set(seeds)) == 1200
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62 > min(seeds)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_generators_start_at_their_seed_and_leave_the_global_one_alone(seed):
    before = torch.get_rng_state()
    first, again, other = (
        torch.rand(8, generator=generator(s)) for s in (seed, seed, seed // 2 + 7)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_streams_are_functions_of_run_seed_name_and_call():
    streams = [SeedStream(seed, name) for seed, name in product((0, 1), ("fc1", "fc2", ""))]
    assert len({stream.next() for stream in streams for _ in range(5)}) == 30


def test_a_stream_resumes_where_calls_says():
    stream = SeedStream(3, "fc")
    seeds = [stream.next() for _ in range(4)]
    resumed = SeedStream(3, "fc")
    resumed.calls = 2
    assert [resumed.next(), resumed.next()] == seeds[2:]
    assert repr(resumed) == "SeedStream(run_seed=3, name='fc', calls=4)"
