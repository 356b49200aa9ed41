"""The module: its start, its draws, and what it refuses."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.layers import seed_streams
from radexp.reactor import Reactor, Sketched, initial_control
from radexp.sketches import Sampling

START = [4.9, 0.3, -0.2, 0.4, 0.1, -0.3, 0.2]


@pytest.fixture
def reactor(problem):
    return Reactor(problem, Sketched(Sampling(0.2)), START, seed=5)


def gradient(reactor):
    reactor.theta.grad = None
    reactor().backward()
    return reactor.theta.grad


def test_every_differentiated_call_has_draws_of_its_own(reactor):
    first, second = gradient(reactor), gradient(reactor)
    assert not torch.equal(first, second)
    (stream,) = seed_streams(reactor).values()
    assert stream.calls == 2
    stream.calls = 0
    assert torch.equal(gradient(reactor), first)


def test_evaluating_draws_nothing(reactor):
    with torch.no_grad():
        loss = reactor()
    assert reactor.seeds.calls == 0
    assert float(reactor().detach()) == pytest.approx(float(loss), rel=1e-6)
    assert reactor.seeds.calls == 1


def test_the_published_start():
    starts = [initial_control(seed) for seed in range(200)]
    assert all(start[0] == 4.932 and len(start) == 7 for start in starts)
    assert initial_control(3) == starts[3] != starts[4]
    others = torch.tensor(starts)[:, 1:]
    assert others.abs().max() < 0.1
    # 1200 numbers uniform in (-0.1, 0.1): mean 0 and variance 0.01 / 3 within 5 deviations.
    assert abs(float(others.mean())) < 5 * (0.01 / 3 / 1200) ** 0.5
    assert float(others.var()) == pytest.approx(0.01 / 3, rel=5 * (0.8 / 1200) ** 0.5)


@pytest.mark.parametrize("initial", [[], [4.932], [0.0] * 8])
def test_seven_numbers_are_needed(initial, problem):
    with pytest.raises(UsageError, match=r"model.initial=\[.*\]: allowed is 7 numbers, or null"):
        Reactor(problem, Sketched(Sampling(0.2)), initial)


def test_it_says_what_it_is(reactor):
    assert "points=9" in repr(reactor)
    assert "Sampling(keep=0.2" in repr(reactor)
