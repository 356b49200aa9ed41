"""The frontier's summary on made-up rows: units, the best of each budget, and the limits."""

import math

import numpy as np
import pandas as pd
import pytest

from radexp.analysis.frontier import (
    GAUSSIAN,
    HALF_ZERO,
    best_by_budget,
    least_noise,
    summarize_frontier,
)

POINT = {"model": "mlp", "data": "digits", "iteration": 0}
SIZES = {"exact_bytes": 1000, "floor_bytes": 100, "entries": 200}


def rows_of(
    estimator, budget, sketch, batch=(2.0, 4.0), size=150, keep=math.nan, seconds=1.0, layer="all"
):
    """Return two repetitions of an estimator; the whole batch's own noise is 3 on average."""
    return [
        {
            **POINT,
            **SIZES,
            **{"estimator": estimator, "budget": budget, "keep": keep, "batch_size": size},
            **{"saved_bytes": budget * 1000, "sketch": s, "batch": b, "repetition": i},
            **{"seconds": seconds, "stock_seconds": 2.0, "layer": layer},
        }
        for i, (s, b) in enumerate(zip(sketch, batch, strict=True))
    ]


ROWS = [
    *rows_of("exact", 1.0, (0.0, 0.0)),
    *rows_of("rad", 0.3, (27.0, 33.0), keep=0.1, seconds=3.0),
    *rows_of("rad", 0.3, (27.0, 33.0), keep=0.1, layer="1"),
    *rows_of("rad", 1.0, (0.0, 0.0), keep=1.0),
    *rows_of("rounding", 1.0, (0.1, 0.1), keep=0.25),
    *rows_of("rounding", 0.3, (0.3, 0.3), keep=0.05),
    *rows_of("auto", 0.3, (0.33, 0.33), keep=0.05),
    *rows_of("small_batch", 0.3, (0.0, 0.0), batch=(20.0, 22.0), size=20),
    *rows_of("importance", 0.2, (0.6, 0.6), keep=0.03),
]


@pytest.fixture
def table():
    return summarize_frontier(pd.DataFrame(ROWS))


def test_noise_is_in_units_of_the_whole_batchs_own(table):
    at = table[(table["layer"] == "all") & (table["budget"] < 1)].set_index("estimator")
    assert at["added"].to_dict() == pytest.approx(
        {
            **{"rad": 10.0, "rounding": 0.1, "auto": 0.11, "importance": 0.2},
            "small_batch": (21 - 3) / 3,
        }
    )
    rad = at.loc["rad"]
    # Bootstrap of two values each: from 27 over a mean of 4 to 33 over a mean of 2.
    assert (rad["low"], rad["high"]) == pytest.approx((27 / 4, 33 / 2))
    assert rad[["fast", "time", "slow"]].tolist() == [1.5, 1.5, 1.5]
    assert (rad["share"], rad["n"]) == (0.3, 2)


def test_auto_is_held_against_the_best_single_sketch_of_its_budget(table):
    best = best_by_budget(table).set_index("budget")
    # At 1 rad has no noise at all, and nothing is better than that.
    assert best["best"].to_dict() == {0.2: "importance", 0.3: "rounding"}
    assert best.loc[0.3, "auto"] == pytest.approx(1.1)
    assert math.isnan(best.loc[0.2, "auto"])


def test_the_limits_weigh_entries_as_rad_says(table):
    # 8 (500 - 100) / 200 = 16 bits an entry at half of the bytes; rad's noise is 10 at 0.1.
    shares = np.array([0.05, 0.1, 0.125, 0.5])
    exactly = {"rel": 1e-6, "abs": 0}
    gaussian = least_noise(table, shares)
    assert np.isnan(gaussian[:2]).all()
    assert gaussian[2:] == pytest.approx([1 / (4**1 - 1), 1 / (4**16 - 1)], **exactly)
    known = least_noise(table, shares, zeros_known=True)
    expected = [1 / (4 * 16**r - math.pi / (math.pi - 2)) for r in (1.0, 16.0)]
    assert known[2:] == pytest.approx(expected, **exactly)
    assert np.isnan(least_noise(table[table["estimator"] != "rad"], shares)).all()


def test_bits_go_to_the_layers_where_they_remove_most_noise():
    rows = [
        *rows_of("exact", 1.0, (0.0, 0.0)),
        *rows_of("rad", 0.3, (29.0, 29.0), keep=0.1, layer="heavy"),
        *rows_of("rad", 0.3, (1.0, 1.0), keep=0.1, layer="light"),
    ]
    table = summarize_frontier(pd.DataFrame(rows))
    for zeros_known, (scale, base, offset) in {False: GAUSSIAN, True: HALF_ZERO}.items():
        (found,) = least_noise(table, np.array([0.15]), zeros_known)  # 400 bits, 2 x 200 entries
        first = np.linspace(0.001, 1.999, 100_001)
        weights = 0.1 * 29 / 3, 0.1 * 1 / 3
        noise = [
            w / (scale * base**r - offset) for w, r in zip(weights, (first, 2 - first), strict=True)
        ]
        by_search = np.min(noise[0] + noise[1])
        assert found == pytest.approx(by_search, rel=1e-6)
        assert found < 0.9 * sum(weights) / (scale * base - offset)  # of one bit for both


def test_no_sketch_of_gaussian_entries_is_below_the_limit():
    """Rounding and importance sampling of normal draws, in bits and noise of their own."""
    import torch

    from radexp.sketches import Importance, Rounding

    torch.manual_seed(0)
    x = torch.randn(1, 64, 1024)
    for sketch in (Rounding(1), Rounding(3), Importance(1 / 64), Importance(1 / 8)):
        xhat = sketch.restore(sketch.compress(x, 0), x.shape, 0)
        noise = float((xhat - x).square().sum() / x.square().sum())
        rate = 8 * sketch.saved_bytes(x.shape, x.dtype) / x.numel()
        assert noise > 1 / (4**rate - 1)
