"""Iterations to the baseline's loss: twice as slow, too slow, diverged, and without a baseline."""

import math

import numpy as np
import pandas as pd
import pytest

from radexp.analysis.frontier_training import of_frontier, slowdowns, without_baseline

TIMES = np.arange(0, 1001, 100)


@pytest.fixture
def trained(tables):
    """Return the builder of runs whose log loss falls at a rate of their own, arm by arm."""

    def build(rates, study="frontier_training-quick", status=None):
        losses = {arm: [1.0] * len(of_seeds) for arm, of_seeds in rates.items()}
        runs, _ = tables(losses, status, study=study, step_seconds=0.1, final_train_loss=0.5)
        curves = []
        for row in runs.to_dict("records"):
            rate = rates[row["arm"]][row["seed"]]
            curves.append(
                pd.DataFrame(
                    {
                        **{"run": row["run"], "iteration": TIMES, "split": "train"},
                        **{"examples_seen": TIMES * 150, "train_seconds": TIMES / 10},
                        **{"loss": np.exp(-rate * TIMES / 1000), "accuracy": math.nan},
                    }
                )
            )
        return runs, pd.concat(curves)

    return build


def test_a_rate_of_a_half_takes_twice_the_iterations(trained):
    # The exact arms end at exp(-4) and exp(-2): their targets are 95% of that way.
    rates = {"exact": [4.0, 2.0], "rounding": [8.0, 2.0], "rad": [3.9, 1.95]}
    table = slowdowns(*trained(rates)).set_index("label")
    assert table.loc["exact", "iterations"] == pytest.approx(1.0)
    # Half of the iterations and equally many; all lines, so that interpolation is exact.
    assert table.loc["rounding", "iterations"] == pytest.approx(math.sqrt(0.5))
    # log ratios of -log 2 and 0: mean -log 2 / 2, standard error log 2 / 2, t of one degree 12.706.
    low, high = (0.5 ** (0.5 + sign * 12.7062 / 2) for sign in (1, -1))
    assert table.loc["rounding", ["low", "high"]].tolist() == pytest.approx([low, high], rel=1e-4)
    assert table.loc["rad", "iterations"] == pytest.approx(4.0 / 3.9)
    assert table.loc["rad", "seconds"] == pytest.approx(4.0 / 3.9)
    assert table["reached"].tolist() == table["n"].tolist() == [2, 2, 2]


def test_a_target_that_one_seed_does_not_reach_is_infinite(trained):
    rates = {"exact": [4.0, 4.0], "rad": [4.0, 3.7]}
    row = slowdowns(*trained(rates)).set_index("label").loc["rad"]
    assert (row["iterations"], row["reached"], row["n"]) == (math.inf, 1, 2)


def test_a_run_that_diverged_reaches_nothing(trained):
    rates = {"exact": [4.0], "rad": [5.0]}
    table = slowdowns(*trained(rates, status={("rad", 0): "diverged"}))
    assert table.set_index("label").loc["rad", "iterations"] == math.inf


def test_a_seed_whose_baseline_does_not_learn_is_left_out_and_said(trained):
    runs, curves = trained({"exact": [4.0, -1.0], "rad": [4.0, 4.0]})
    assert slowdowns(runs, curves)["n"].tolist() == [1, 1]
    assert without_baseline(runs, curves) == []
    runs, curves = trained({"exact": [0.0], "rad": [4.0]})
    assert slowdowns(runs, curves).empty
    assert [title.partition(":")[0] for title in without_baseline(runs, curves)] == [
        "frontier_training-quick"
    ]


def test_other_studies_and_studies_without_a_baseline_are_left_out(trained):
    assert slowdowns(*trained({"rad": [4.0]})).empty
    runs, curves = trained({"exact": [4.0], "rad": [4.0]}, study="mnist_mlp-quick")
    assert slowdowns(runs, curves).empty
    assert len(of_frontier(runs)[1]) == 2
