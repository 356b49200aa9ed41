"""Summaries of gradient noise, on rows whose right answer is known."""

import math

import numpy as np
import pandas as pd
import pytest

from radexp.analysis.noise_summary import WHOLE, against_small_batch, summarize, z_score


def rows(estimator, totals, level=0.1, along=0.0, iteration=0):
    """Two layers, the first with three quarters of the squared gradient, half of the error."""
    return pd.DataFrame(
        {
            "model": "mlp",
            "data": "digits",
            "iteration": iteration,
            "arm": f"{estimator}, {level}",
            "estimator": estimator,
            "keep": level,
            "batch_size": 150,
            "bytes": 1000,
            "level": level,
            "layer": layer,
            "repetition": repetition,
            "reference": reference,
            "total": total / 2,
            "sketch": total / 4,
            "batch": total / 4,
            "along": along + (-1) ** repetition,
            "pair": 1.0 if repetition % 2 else math.nan,
        }
        for repetition, total in enumerate(totals)
        for layer, reference in (("0", 0.75), ("2", 0.25))
    )


def test_layers_add_up_to_the_whole():
    table = summarize(rows("rad", [2.0, 4.0])).set_index("layer")
    assert list(table.index) == [WHOLE, "0", "2"]
    assert table.loc[WHOLE, "variance"] == pytest.approx(3)
    assert table.loc["0", "variance"] == pytest.approx(3 / 2 / 0.75)
    assert table.loc["2", "variance"] == pytest.approx(3 / 2 / 0.25)
    assert table.loc[WHOLE, "sketch_variance"] == pytest.approx(1.5)
    assert (table["n"] == 2).all()
    assert (table["low"] <= table["variance"]).all()
    assert (table["variance"] <= table["high"]).all()


def test_z_scores_tell_a_bias():
    assert summarize(rows("rad", [1.0] * 20))["z_along"].abs().max() < 1e-12
    assert summarize(rows("rad", [1.0] * 20, along=2.0))["z_along"].min() > 5


def test_a_layer_without_a_gradient_has_no_relative_variance():
    silent = rows("rad", [1.0, 2.0])
    silent.loc[silent["layer"] == "2", "reference"] = 0.0
    table = summarize(silent).set_index("layer")
    assert math.isnan(table.loc["2", "variance"])
    assert table.loc["0", "variance"] > 0


def test_an_arm_without_a_kept_fraction_is_summarized_too():
    table = summarize(rows("exact", [1.0, 2.0], level=math.nan))
    assert len(table) == 3


@pytest.mark.parametrize(
    ("values", "z"),
    [
        ([1.0, 3.0], 1.0469),  # of t = 2 with one degree of freedom, exceeded with 0.14758
        ([-1.0, -3.0], -1.0469),
        ([1.0], math.nan),
        ([0.0, 0.0], math.nan),
        ([2.0, 2.0], math.inf),
    ],
)
def test_z_scores(values, z):
    assert z_score(np.array(values)) == pytest.approx(z, abs=1e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.5, "less"), (2.0, "more"), (1.0, "inconclusive")]
)
def test_the_small_batch_of_equal_bytes_is_the_measure(factor, verdict):
    totals = np.random.default_rng(0).uniform(0.9, 1.1, 40)
    both = pd.concat([rows("rad", factor * totals), rows("small_batch", totals[::-1])])
    compared = against_small_batch(both)
    assert compared["verdict"].tolist() == [verdict]
    assert compared["ratio"].item() == pytest.approx(factor)
    assert compared["low"].item() <= factor <= compared["high"].item()


def test_arms_without_a_counterpart_are_not_compared():
    assert against_small_batch(rows("rad", [1.0, 2.0])).empty
    apart = pd.concat([rows("rad", [1.0, 2.0]), rows("small_batch", [1.0, 2.0], level=0.3)])
    assert against_small_batch(apart).empty
    alone = pd.concat([rows(name, [1.0, 2.0], level=math.nan) for name in ("rad", "small_batch")])
    assert against_small_batch(alone).empty
