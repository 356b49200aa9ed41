"""Means and variances of every sketch, against closed forms, with negative controls."""

from itertools import product

import pytest
import torch

from radexp.config import EstimatorConfig
from radexp.sketches import Exact, Projection, Sampling, Sketch

# Groups have draws of their own, so one call draws 500 times; 40 seeds make 20,000 repetitions.
# With N = 4 rows and K = 5 of D = 11 columns of a normal matrix, the slope of one draw has a
# standard deviation of about sqrt(2 / K) = 0.6, even if the rows share it: 0.0045 after 20,000.
# A bias of 0.03 is then 6.7 of them, and the slope's threshold is 5.0.
SEEDS, GROUPS, N, D, KEEP, K = 40, 500, 4, 11, 0.4, 5


def _sketches():
    settings = product(sorted(Sketch.registry), (False, True), (True, False))
    built = [
        Sketch.registry[sketch].from_config(
            EstimatorConfig("rad", sketch, "keep", KEEP, shared=shared, replacement=replacement)
        )
        if sketch != "exact"
        else Exact()
        for sketch, shared, replacement in settings
    ]
    return {repr(sketch): sketch for sketch in built}


SKETCHES = _sketches()
SAMPLINGS = {name: sketch for name, sketch in SKETCHES.items() if isinstance(sketch, Sampling)}
each_sketch = pytest.mark.parametrize("sketch", SKETCHES.values(), ids=SKETCHES)
each_sampling = pytest.mark.parametrize("sketch", SAMPLINGS.values(), ids=SAMPLINGS)


@pytest.fixture(scope="module")
def x_ND():
    return torch.randn(N, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def restored(sketch, x_ND):
    x_GND, shape = x_ND.repeat(GROUPS, 1, 1), (GROUPS, N, D)
    draws = [sketch.restore(sketch.compress(x_GND, s), shape, s) for s in range(SEEDS)]
    return torch.cat(draws).flatten(1)


@each_sketch
def test_restore_is_unbiased(excess, sketch, x_ND):
    assert excess(restored(sketch, x_ND), x_ND.flatten()) < 1


@each_sketch
def test_a_planted_bias_is_caught(excess, planted, sketch, x_ND):
    assert excess(restored(planted(sketch), x_ND), x_ND.flatten()) > 1


@each_sampling
def test_sampling_has_the_variance_of_its_counts(excess, sketch, x_ND):
    # xhat_d = x_d (D / K) count_d; the count is binomial (K, 1 / D) with replacement, and 0 or 1
    # with probability K / D without.
    closed_form = x_ND**2 * ((D - 1) / K if sketch.replacement else (D - K) / K)
    squares = (restored(sketch, x_ND) - x_ND.flatten()) ** 2
    assert excess(squares, closed_form.flatten()) < 1
    assert excess(squares, 1.1 * closed_form.flatten()) > 1


@each_sampling
def test_rows_have_common_noise_only_if_they_share_positions(excess, sketch, x_ND):
    noise_RND = (restored(sketch, x_ND) - x_ND.flatten()).unflatten(1, (N, D))
    products = noise_RND[:, 0] * noise_RND[:, 1]
    common = x_ND[0] * x_ND[1] * ((D - 1) / K if sketch.replacement else (D - K) / K)
    assert (excess(products, common) < 1) == sketch.shared
    # Without sharing their mean is 0; the test needs a truth that is not, so 1 is added.
    assert (excess(products + 1, torch.ones(D)) < 1) != sketch.shared


def test_projection_has_the_variance_of_its_cross_terms(excess, x_ND):
    # xhat_d - x_d = (1 / K) sum_k sum_{e != d} x_e R_ek R_dk, all terms uncorrelated.
    closed_form = ((x_ND**2).sum(1, keepdim=True) - x_ND**2) / K
    squares = (restored(Projection(KEEP), x_ND) - x_ND.flatten()) ** 2
    assert excess(squares, closed_form.flatten()) < 1
    assert excess(squares, 1.1 * closed_form.flatten()) > 1
