"""Means and variances of every sketch, against closed forms, with negative controls."""

import pytest
import torch
from sketch_cases import build_sketches

from radexp.sketches import Importance, Projection, Rounding, Rows, Sampling

# Groups have draws of their own, so one call draws 500 times; 40 seeds make 20,000 repetitions.
# With N = 4 rows and K = 5 of D = 11 columns of a normal matrix, the slope of one draw has a
# standard deviation of about sqrt(2 / K) = 0.6, even if the rows share it: 0.0045 after 20,000.
# A bias of 0.03 is then 6.7 of them, and the slope's threshold is 5.0.
SEEDS, GROUPS, N, D, KEEP, K = 40, 500, 4, 11, 0.4, 5


SKETCHES = build_sketches(keep=(KEEP,), bits=(1, 2, 3, 8))
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


def test_rows_have_common_noise_along_a_row(excess, x_ND):
    kept = 2  # of N = 4 rows
    squares = (restored(Rows(KEEP), x_ND) - x_ND.flatten()) ** 2
    assert excess(squares, (x_ND**2 * (N - kept) / kept).flatten()) < 1
    noise_RND = (restored(Rows(KEEP), x_ND) - x_ND.flatten()).unflatten(1, (N, D))
    products = noise_RND[:, :, 0] * noise_RND[:, :, 1]
    assert excess(products, x_ND[:, 0] * x_ND[:, 1] * (N - kept) / kept) < 1


def test_projection_has_the_variance_of_its_cross_terms(excess, x_ND):
    # xhat_d - x_d = (1 / K) sum_k sum_{e != d} x_e R_ek R_dk, all terms uncorrelated.
    closed_form = ((x_ND**2).sum(1, keepdim=True) - x_ND**2) / K
    squares = (restored(Projection(KEEP), x_ND) - x_ND.flatten()) ** 2
    assert excess(squares, closed_form.flatten()) < 1
    assert excess(squares, 1.1 * closed_form.flatten()) > 1


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_rounding_has_the_variance_of_a_coin(excess, bits, x_ND):
    # Up with probability f, the part of a step above the level below: variance f (1 - f) step^2.
    step = (x_ND.max() - x_ND.min()) / (2**bits - 1)
    part = ((x_ND - x_ND.min()) / step) % 1
    closed_form = part * (1 - part) * step**2
    squares = (restored(Rounding(bits), x_ND) - x_ND.flatten()) ** 2
    assert excess(squares, closed_form.flatten()) < 1
    assert excess(squares, 1.1 * closed_form.flatten()) > 1


@pytest.mark.parametrize("shift", [0, 5])
@pytest.mark.parametrize("keep", [0.1, 0.2])
def test_importance_has_the_variance_of_a_coin(excess, keep, shift, x_ND):
    # A coin of step^2 f (1 - f) decides whether a distance from the center has one step more.
    x_ND, sketch = x_ND + shift, Importance(keep)
    _, centers, steps = sketch.compress(x_ND[None], 0)
    part = ((x_ND - centers).abs() / steps) % 1
    closed_form = part * (1 - part) * steps**2
    squares = (restored(sketch, x_ND) - x_ND.flatten()) ** 2
    assert excess(squares, closed_form.flatten()) < 1
    assert excess(squares, 1.1 * closed_form.flatten()) > 1


def test_rounding_one_entry_says_nothing_about_another(excess, x_ND):
    noise = restored(Rounding(1), x_ND) - x_ND.flatten()
    # Of no pair of entries do the products of their errors have a mean; 1 is the truth's scale.
    first, second = torch.triu_indices(N * D, N * D, offset=1)
    products = noise[:, first] * noise[:, second]
    assert excess(products + 1, torch.ones(len(first))) < 1
    doubled = torch.cat([noise, noise], 1)
    again = doubled[:, : N * D] * doubled[:, N * D :]
    assert excess(again + 1, torch.ones(N * D)) > 1
