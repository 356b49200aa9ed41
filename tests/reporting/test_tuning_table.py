"""Trials as text and as a picture: whatever became of them."""

import io
import math

import matplotlib.image
import pandas as pd
import pytest

from radexp.analysis.tuning import trial_table
from radexp.reporting.tuning_table import HEADS, as_text, write_figure

RANGES = {"lr": (1e-4, 1e-2), "weight_decay": (1e-7, 1e-3)}


def table_of(losses, status="completed", estimators=("rad",)):
    return trial_table(
        [
            {
                **{"estimator": name, "trial": n, "lr": 2e-4 * (n + 1), "weight_decay": 1e-6},
                **{"validation_loss": loss, "validation_accuracy": loss and 0.875},
                **{"status": status if loss is None else "completed", "run": f"{name}-{n}"},
            }
            for name in estimators
            for n, loss in enumerate(losses)
        ]
    )


def test_text_has_every_trial_the_best_of_each_estimator_first():
    lines = as_text(table_of([0.5, 0.25, None], "diverged", ("rad", "exact"))).splitlines()
    assert lines[0].split() == " ".join(HEADS).split()
    assert [line.split()[:2] for line in lines[1:]] == [
        [name, number] for name in ("rad", "exact") for number in ("1", "0", "2")
    ]
    assert lines[1].split()[2:] == ["0.0004", "1e-06", "0.25", "87.50%", "best"]
    assert lines[3].split()[4:] == ["inf", "-", "diverged"]


def test_a_failed_trial_has_no_loss_and_is_last():
    lines = as_text(table_of([None, 0.5], "failed")).splitlines()
    assert lines[2].split()[4:] == ["-", "-", "failed"]


@pytest.mark.parametrize(
    "table",
    [
        table_of([0.5, 0.25, 0.1]),
        table_of([0.5]),
        table_of([0.5, 0.5], estimators=("a", "b", "c", "d")),
        table_of([0.0, 0.5]),
        table_of([None, 0.5], "diverged"),
        table_of([None], "diverged"),
        table_of([None], "failed"),
    ],
    ids=["three", "one", "four estimators", "zero", "a diverged", "all diverged", "failed"],
)
@pytest.mark.parametrize("ranges", [RANGES, {**RANGES, "lr": (2e-4, 2e-4)}])
def test_a_picture_comes_of_it(table, ranges):
    file = io.BytesIO()
    write_figure(table, ranges, file)
    file.seek(0)
    pixels = matplotlib.image.imread(file, format="png")
    assert min(pixels.shape[:2]) > 300
    assert not math.isclose(float(pixels.min()), float(pixels.max()))


def test_the_table_is_left_as_it_was():
    table = table_of([0.5, None], "diverged")
    before = table.copy()
    as_text(table)
    write_figure(table, RANGES, io.BytesIO())
    pd.testing.assert_frame_equal(table, before)
