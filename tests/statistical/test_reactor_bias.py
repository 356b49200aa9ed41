"""The seven gradient entries of the reactor: unbiased by equation 7, and not as published."""

import pytest
import torch

from radexp.reactor import AsPublished, Checkpoints, Grid, Problem, Sketched, control_loss
from radexp.sketches import Exact, Projection, Sampling

PROBLEM = Problem(Grid(points=9, steps=60, final_time=0.8))
# Far from where gradient entries are small beside their noise.
THETA = torch.tensor([6.5, 0.8, 0.7, 0.9, 0.6, 0.9, -0.8], dtype=torch.float64, requires_grad=True)
# A sketch that is 3% too large enters twice: the slope is 6% off. The slope of one draw has a
# standard deviation of at most SPREAD, measured: after the repetitions 0.06 is 8 of them or more,
# and the slope's threshold is 5.0.
SPREAD, REPETITIONS = 0.13, 300
UNBIASED = {
    "sampling": Sampling(0.3),
    "sampling, no replacement": Sampling(0.3, replacement=False),
    "projection": Projection(0.3),
}


def gradient(storage, seed):
    return torch.autograd.grad(control_loss(THETA, PROBLEM, storage, seed), THETA)[0]


def estimates(storage):
    return torch.stack([gradient(storage, seed) for seed in range(REPETITIONS)])


@pytest.fixture(scope="module")
def truth():
    return gradient(Sketched(Exact(), draws=1), 0)


@pytest.mark.parametrize("name", UNBIASED)
def test_two_independent_draws_are_unbiased(name, excess, truth):
    drawn = estimates(Sketched(UNBIASED[name]))
    slopes = drawn @ truth / (truth @ truth)
    assert slopes.std() < SPREAD
    assert excess(drawn, truth) < 1


@pytest.mark.parametrize("name", UNBIASED)
def test_a_planted_bias_is_caught(name, excess, planted, truth):
    assert excess(estimates(Sketched(planted(UNBIASED[name]))), truth) > 1


@pytest.mark.parametrize("name", UNBIASED)
def test_one_draw_for_each_state_is_unbiased_as_no_state_meets_itself(name, excess, truth):
    assert excess(estimates(Sketched(UNBIASED[name], draws=1)), truth) < 1


class SameForAll:
    """A sampling whose states all share one draw."""

    def __init__(self, sampling):
        self.sampling = sampling

    def compress(self, x_GND, seed):
        return self.sampling.compress(x_GND.transpose(0, 1), seed)

    def entries(self, kept, shape, seed):
        values, positions = self.sampling.entries(kept, (1, shape[0], shape[2]), seed)
        return values.transpose(0, 1), positions.expand_as(values).transpose(0, 1).contiguous()


@pytest.mark.parametrize("draws", [1, 2])
def test_one_draw_for_all_states_is_biased_unless_there_is_one_for_each_factor(
    draws, excess, truth
):
    drawn = estimates(Sketched(SameForAll(Sampling(0.3, shared=True)), draws))
    assert (excess(drawn, truth) > 1) == (draws == 1)


def test_checkpoints_are_exact(excess, truth):
    assert excess(estimates(Checkpoints(7)), truth) < 1


def test_the_published_estimator_is_biased_whatever_its_draw(excess, truth):
    frozen = estimates(AsPublished(Sampling(0.3), seed=0))
    assert torch.equal(frozen[0], frozen[-1])  # however many iterations
    assert excess(frozen, truth) > 1
    assert excess(frozen / frozen.norm() * REPETITIONS**0.5 * truth.norm(), truth) > 1  # direction
    drawn = torch.stack([gradient(AsPublished(Sampling(0.3), seed), 0) for seed in range(200)])
    assert excess(drawn, truth) > 1
