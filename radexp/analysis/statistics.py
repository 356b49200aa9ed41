"""Intervals over seeds: the bootstrap for one arm, the paired t interval for two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from radexp.errors import UsageError


@dataclass(frozen=True)
class Interval:
    """A mean over n values and its interval; NaN bounds mean that there is no interval.

    Attributes:
        mean: Mean of the values; infinite if one of them is.
        low: Lower bound, or NaN.
        high: Upper bound, or NaN.
        n: How many values there were.

    Example:
        >>> print(Interval(0.5, 0.25, 0.75, 5))
        0.5 [0.25, 0.75]
        >>> print(Interval(0.5, math.nan, math.nan, 1))
        0.5 [undefined]
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def defined(self) -> bool:
        """Whether there is an interval at all: one value alone has none."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def __str__(self) -> str:
        bounds = f"{self.low:.3g}, {self.high:.3g}" if self.defined else "undefined"
        return f"{self.mean:.3g} [{bounds}]"


def bootstrap_interval(
    values: Sequence[float], level: float = 0.95, seed: int = 0, resamples: int = 10_000
) -> Interval:
    """Return the percentile bootstrap interval of the mean.

    The bounds are the (1 - level)/2 and (1 + level)/2 quantiles of the means of ``resamples``
    samples of n values each, drawn with replacement. Quantiles are order statistics, never
    interpolated, so that infinite values (diverged runs) give infinite bounds, not NaN.

    Args:
        values: One number for each run, shape (n,).
        level: Nominal coverage, 0 < level < 1.
        seed: Seed of the resampling.
        resamples: Number of resamples.

    Returns:
        The interval; undefined for n = 1.

    Raises:
        UsageError: If there are no values, one is NaN, or ``level`` is out of range.

    Example:
        >>> bootstrap_interval([1.0, 1.0]).high
        1.0

    Do not decide a claim with it: for the n = 5 of these experiments it covers less than its
    level (about 83% instead of 95%). Claims use ``paired_t_interval``.
    """
    sample = _checked(values, "values")
    _check_level(level)
    n = len(sample)
    with np.errstate(invalid="ignore"):
        if n == 1 or math.isnan(sample.mean()):
            return Interval(float(sample.mean()), math.nan, math.nan, n)
        draws = np.random.default_rng(seed).integers(n, size=(resamples, n))
        means = sample[draws].mean(axis=1)
    tail = (1 - level) / 2
    low = float(np.quantile(means, tail, method="lower"))
    high = float(np.quantile(means, 1 - tail, method="higher"))
    return Interval(float(sample.mean()), low, high, n)


def paired_t_interval(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Interval:
    """Return the t interval of the mean of ``a - b``, paired by position.

    With differences d of mean m and standard deviation s, the interval is m +- t s / sqrt(n),
    where t is the (1 + level)/2 quantile of Student's t with n - 1 degrees of freedom.

    Args:
        a: One number for each pair, shape (n,); infinite for a diverged run.
        b: The other side, shape (n,).
        level: Nominal coverage, 0 < level < 1.

    Returns:
        The interval. It is undefined for n = 1 and where some differences are infinite, but if
        all are the same infinity it is that infinity.

    Raises:
        UsageError: If the lengths differ, there are no values, or ``level`` is out of range.

    Example:
        >>> print(paired_t_interval([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]))
        -1 [-1, -1]
    """
    if len(a) != len(b):
        raise UsageError(
            f"{len(a)} values against {len(b)}: allowed is one pair for each seed; "
            "give both sides the same seeds"
        )
    _check_level(level)
    left, right = _checked(a, "a"), _checked(b, "b")
    n = len(left)
    with np.errstate(invalid="ignore"):
        differences = left - right
        mean = float(differences.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan, n)
    if not math.isfinite(mean):
        bound = mean if np.isinf(differences).all() else math.nan
        return Interval(mean, bound, bound, n)
    margin = float(stats.t.ppf((1 + level) / 2, n - 1) * stats.sem(differences))
    return Interval(mean, mean - margin, mean + margin, n)


def ratio_interval(
    a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], resamples: int = 10_000
) -> Interval:
    """Return mean(a) / mean(b) with its 95% percentile bootstrap interval.

    Each side is resampled on its own, with the same seed every time.

    Args:
        a: One number for each of n draws.
        b: The same of the other side, of any length; its mean is not 0.
        resamples: Number of resamples.

    Returns:
        The interval; its n is that of the shorter side.

    Example:
        >>> print(ratio_interval(np.array([1.0, 1.0]), np.array([4.0, 4.0])))
        0.25 [0.25, 0.25]
    """
    draws = np.random.default_rng(0)
    means = [
        side[draws.integers(len(side), size=(resamples, len(side)))].mean(axis=1) for side in (a, b)
    ]
    low, high = np.quantile(means[0] / means[1], [0.025, 0.975])
    return Interval(float(a.mean() / b.mean()), float(low), float(high), min(len(a), len(b)))


def _checked(values: Sequence[float], name: str) -> npt.NDArray[np.float64]:
    """Return the values as float64, refusing none at all and NaN."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample) or np.isnan(sample).any():
        raise UsageError(
            f"{name}={values}: allowed is a list of at least one number, infinite or not, but "
            "not NaN; give a diverged run as inf"
        )
    return sample


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise UsageError(f"level={level}: allowed is 0 < level < 1; try level=0.95")
