"""The z-test of unbiasedness, and a sketch with a planted bias that it must catch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scipy.stats import norm
from torch import Tensor

FALSE_ALARM = 1e-6


def bias_excess(estimates_RM: Tensor, truth_M: Tensor) -> float:
    """Return the largest bias |z| in units of its threshold: above 1 the estimate is biased.

    Tested are all M entries, and the slope <estimate, truth> / <truth, truth>, which sees a
    common factor that is far below the noise of a single entry. If the mean of R draws is normal,
    each z is standard normal. Half of FALSE_ALARM goes to the slope and half, divided by M, to
    each entry; by Bonferroni an unbiased estimate exceeds 1 with a probability of at most
    FALSE_ALARM, whatever the dependence between entries. Seeds and repetitions are fixed, so a
    test either always passes or always fails.
    """
    estimates_RM, truth_M = estimates_RM.double(), truth_M.double()
    slopes_R1 = (estimates_RM @ truth_M / (truth_M @ truth_M)).unsqueeze(1)
    return max(_excess(estimates_RM, truth_M), _excess(slopes_R1, truth_M.new_ones(1)))


def _excess(estimates_RM: Tensor, truth_M: Tensor) -> float:
    R, M = estimates_RM.shape
    error_M = estimates_RM.mean(0) - truth_M
    # The floor is for estimates without noise: their error is rounding, far below 1e-10.
    floor = 1e-10 * truth_M.abs().max()
    z_M = error_M / (estimates_RM.std(0) / R**0.5 + floor)
    threshold = norm.isf(FALSE_ALARM / 2 / (2 * M))  # two-sided
    return float(z_M.abs().max() / threshold)


class Scaled:
    """A sketch whose restored matrix is ``factor`` times too large.

    It is no subclass of Sketch, so as not to enter the registry.
    """

    def __init__(self, sketch, factor):
        self.sketch, self.factor = sketch, factor
        self.saved_bytes, self.free = sketch.saved_bytes, sketch.free
        self.serves_derivatives = sketch.serves_derivatives

    def among(self, alive):
        return Scaled(self.sketch.among(alive), self.factor)

    def compress(self, x, seed):
        return self.sketch.compress(x, seed)

    def restore(self, kept, shape, seed):
        return self.sketch.restore(kept, shape, seed) * self.factor

    def contract(self, g, kept, shape, seed):
        return self.sketch.contract(g, kept, shape, seed) * self.factor

    def entries(self, kept, shape, seed):
        found = self.sketch.entries(kept, shape, seed)
        return found and (found[0] * self.factor, found[1])


@pytest.fixture
def excess() -> Callable[[Tensor, Tensor], float]:
    return bias_excess


@pytest.fixture
def planted() -> Callable[..., Scaled]:
    """Return what plants the 3% bias of the negative controls in a sketch."""
    return lambda sketch: Scaled(sketch, 1.03)
