"""The z-test itself: silent without a bias, loud with one, with and without noise."""

import pytest
import torch

TRUTH = torch.linspace(-1, 2, 40, dtype=torch.float64)
SHIFT = torch.zeros(40).index_fill(0, torch.tensor([5]), 0.5).double()


def noisy(mean, noise=1.0):
    draws = torch.Generator().manual_seed(0)
    return mean + noise * torch.randn(4000, 40, generator=draws, dtype=torch.float64)


@pytest.mark.parametrize("noise", [0, 1e-15, 1e-3, 1.0, 1e3])
def test_no_bias_no_alarm(excess, noise):
    assert excess(noisy(TRUTH, noise), TRUTH) < 1


@pytest.mark.parametrize("noise", [0, 1e-15, 1e-3, 1.0])
@pytest.mark.parametrize("mean", [1.03 * TRUTH, 0.97 * TRUTH, TRUTH + SHIFT, -TRUTH], ids=range(4))
def test_a_common_factor_and_one_wrong_entry_are_caught(excess, mean, noise):
    assert excess(noisy(mean, noise), TRUTH) > 1


def test_a_factor_below_the_noise_of_every_entry_is_caught_by_the_slope(excess):
    truth = torch.ones(2000).double()
    draws = torch.Generator().manual_seed(0)
    estimates = 1.03 + torch.randn(2000, 2000, generator=draws, dtype=torch.float64)
    assert excess(estimates, truth) > 1
    # The entries alone are silent: twisting the signs hides the factor from the slope.
    assert excess(estimates - 0.03, truth) < 1
