"""The table of trials, which of them wins, and when a range was too narrow."""

import math

import pytest

from radexp.analysis.tuning import COLUMNS, near_edge, trial_table, winners


def trial(estimator="rad", number=0, loss=0.5, status="completed"):
    return {
        **{"estimator": estimator, "trial": number, "lr": 1e-3 * (1 + number)},
        **{"weight_decay": 1e-6, "validation_loss": loss, "status": status},
        **{"validation_accuracy": None if loss is None else 0.9, "run": f"{estimator}-{number}"},
    }


def test_the_lowest_loss_wins_for_each_estimator_on_its_own():
    trials = [trial(number=n, loss=loss) for n, loss in enumerate((0.5, 0.2, 0.3))]
    trials += [trial("exact", n, loss) for n, loss in enumerate((0.05, 0.1))]
    best = winners(trial_table(trials))
    assert {name: row["trial"] for name, row in best.items()} == {"rad": 1, "exact": 0}
    assert best["rad"]["lr"] == 2e-3
    assert list(best) == ["rad", "exact"]


def test_of_equals_the_first_wins_however_they_come():
    trials = [trial(number=n, loss=0.25) for n in (4, 2, 9)]
    assert winners(trial_table(trials))["rad"]["trial"] == 2


def test_a_diverged_trial_is_infinite_and_never_wins():
    # A loss written down before it diverged does not count.
    trials = [trial(number=0, loss=None, status="diverged"), trial(number=1, loss=9.0)]
    trials += [trial(number=2, loss=0.001, status="diverged")]
    table = trial_table(trials)
    assert table["validation_loss"].tolist() == [math.inf, 9.0, math.inf]
    assert winners(table)["rad"]["trial"] == 1


@pytest.mark.parametrize("status", ["failed", "interrupted", "out_of_memory"])
def test_a_trial_that_was_not_judged_is_unknown_and_never_wins(status):
    table = trial_table([trial(number=0, loss=0.1, status=status), trial(number=1, loss=0.3)])
    assert math.isnan(table.loc[0, "validation_loss"])
    assert winners(table)["rad"]["trial"] == 1


def test_without_a_finite_loss_there_is_no_winner():
    trials = [trial(number=n, loss=None, status="diverged") for n in range(3)]
    trials += [trial("exact", 0, None, "failed"), trial("small_batch", 0, 0.4)]
    assert list(winners(trial_table(trials))) == ["small_batch"]


def test_the_table_has_every_trial_in_order():
    table = trial_table([trial("rad", 1), trial("exact", 0), trial("rad", 0)])
    assert list(table.columns) == list(COLUMNS)
    assert table["run"].tolist() == ["rad-0", "rad-1", "exact-0"]
    assert trial_table([]).empty
    assert winners(trial_table([])) == {}


@pytest.mark.parametrize(
    ("value", "low", "high", "edge"),
    [
        *((1e-4, 1e-4, 1e-2, "lower"), (1e-2, 1e-4, 1e-2, "upper"), (1e-3, 1e-4, 1e-2, None)),
        *((1.5e-4, 1e-4, 1e-2, "lower"), (1.7e-4, 1e-4, 1e-2, None)),
        *((6.2e-3, 1e-4, 1e-2, None), (6.4e-3, 1e-4, 1e-2, "upper")),
        (1e-3, 1e-3, 1e-3, None),
    ],
)
def test_a_tenth_of_the_range_at_either_end_is_its_edge(value, low, high, edge):
    assert near_edge(value, low, high) == edge
