"""Intervals: right where it can be worked out, undefined where there is none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from radexp.analysis.statistics import Interval, bootstrap_interval, paired_t_interval
from radexp.errors import UsageError

finite = st.floats(-1e6, 1e6)


@settings(max_examples=30, deadline=None)
@given(st.lists(finite, min_size=2, max_size=8))
def test_bootstrap_bounds_surround_the_mean_and_stay_among_the_values(values):
    interval = bootstrap_interval(values, resamples=500)
    slack = 1e-9 * (1 + max(map(abs, values)))
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack
    assert interval.mean == pytest.approx(np.mean(values))


def test_bootstrap_covers_nearly_its_level_with_many_values():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(300, 40))
    hits = [b.low <= 0 <= b.high for b in (bootstrap_interval(s, resamples=1000) for s in samples)]
    assert 0.90 <= np.mean(hits) <= 0.98


def test_bootstrap_is_the_same_for_the_same_seed():
    values = [1.0, 2.0, 5.0, 9.0]
    assert bootstrap_interval(values, seed=0) == bootstrap_interval(values, seed=0)


def test_one_value_has_no_interval():
    interval = bootstrap_interval([0.5])
    assert not interval.defined
    assert str(interval) == "0.5 [undefined]"
    assert not paired_t_interval([1.0], [2.0]).defined


def test_an_infinite_value_makes_the_mean_and_the_upper_bound_infinite():
    interval = bootstrap_interval([1.0, 2.0, math.inf])
    assert (interval.mean, interval.high) == (math.inf, math.inf)
    assert math.isfinite(interval.low)


def test_paired_t_agrees_with_scipy():
    a, b = [1.0, 2.5, 2.0, 4.0], [1.5, 2.0, 3.5, 5.0]
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    interval = paired_t_interval(a, b)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.n == 4


def test_paired_t_covers_its_level_with_five_pairs():
    differences = np.random.default_rng(1).normal(size=(1000, 5))
    zero = [0.0] * 5
    hits = [p.low <= 0 <= p.high for p in (paired_t_interval(d, zero) for d in differences)]
    assert 0.93 <= np.mean(hits) <= 0.97


def test_paired_t_with_infinite_losses():
    one = paired_t_interval([1.0, 1.0], [1.0, math.inf])
    assert one.mean == -math.inf
    assert not one.defined
    every = paired_t_interval([1.0, 1.0], [math.inf, math.inf])
    assert every == Interval(-math.inf, -math.inf, -math.inf, 2)
    both = paired_t_interval([math.inf, 1.0], [math.inf, 2.0])
    assert math.isnan(both.mean)
    assert not both.defined


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [[1.0]]])
def test_no_values_or_nan_are_refused(values):
    with pytest.raises(UsageError, match="at least one number"):
        bootstrap_interval(values)


def test_unequal_lengths_are_refused():
    with pytest.raises(UsageError, match="1 values against 2: allowed is one pair"):
        paired_t_interval([1.0], [1.0, 2.0])


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0])
def test_levels_out_of_range_are_refused(level):
    with pytest.raises(UsageError, match=r"allowed is 0 < level < 1; try level=0.95"):
        bootstrap_interval([1.0, 2.0], level=level)
    with pytest.raises(UsageError, match="allowed is 0 < level < 1"):
        paired_t_interval([1.0], [2.0], level=level)
