"""The table and the picture of gradient noise, for networks and for controls."""

import math
from io import BytesIO

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from radexp.reporting.noise_table import as_text, compared_as_text, write_figure


def table(model="mlp", data="digits", iterations=(0,)):
    """Three arms, each with the whole and one layer."""
    arms = (("exact", math.nan, 150), ("rad", 0.1, 150), ("small_batch", math.nan, 20))
    return pd.DataFrame(
        {
            **{"model": model, "data": data, "iteration": iteration, "arm": f"{name}, {keep}"},
            **{"estimator": name, "keep": keep, "batch_size": size, "bytes": 1_234_567},
            **{"level": keep, "layer": layer, "n": 30},
            **{"variance": 0.5, "low": 0.4, "high": 0.6, "sketch_variance": 0.3},
            **{"batch_variance": 0.2, "z_along": 1.25, "z_pair": -0.5},
        }
        for iteration in iterations
        for name, keep, size in arms
        for layer in ("all", "0")
    )


def test_every_arm_has_a_row_and_layers_only_if_asked_for():
    text = as_text(table(), by_layer=False)
    lines = text.splitlines()
    assert lines[0] == "mlp on digits after 0 iterations"
    assert lines[1].split()[:3] == ["arm", "kept", "MB"]
    numbers = ["1.235", "0.5", "[0.4,", "0.6]", "0.3", "0.2", "1.2", "-0.5"]
    assert lines[3].split() == ["rad", "keep", "0.1", *numbers]
    assert [line.split()[1:3] for line in (lines[2], lines[4])] == [
        ["batch", "150"],
        ["batch", "20"],
    ]
    assert len(as_text(table(), by_layer=True).splitlines()) == len(lines) + 3
    assert "\n  0  " in as_text(table(), by_layer=True)
    assert max(map(len, lines)) <= 100
    assert "the gradient G of the whole training set" in " ".join(lines)
    assert "sketch and batch: its two parts" in " ".join(lines)


def test_a_block_for_each_point_of_training():
    text = as_text(table(iterations=(0, 500)), by_layer=False)
    assert [line for line in text.splitlines() if "after" in line] == [
        "mlp on digits after 0 iterations",
        "mlp on digits after 500 iterations",
    ]


def test_a_control_has_no_data_no_training_set_and_no_batch():
    text = as_text(table(model="reactor", data="none"), by_layer=False)
    assert text.startswith("reactor after 0 iterations\n")
    assert "the exact gradient G of the control problem" in " ".join(text.splitlines())
    assert "training set" not in text
    assert "none" not in text
    assert "batch 150" not in text
    both = pd.concat([table(model="reactor", data="none"), table()])
    assert as_text(both, by_layer=False).count("variance: E|e - G|^2") == 2


@pytest.mark.parametrize("verdict", ["less", "more", "inconclusive"])
def test_the_comparison_is_one_row_for_each_level(verdict):
    row = {"model": "mlp", "iteration": 5, "level": 0.1, "ratio": 0.8, "low": 0.7, "high": 0.9}
    lines = compared_as_text(pd.DataFrame([{**row, "verdict": verdict}])).splitlines()
    assert lines[0].split() == [
        "rad",
        "/",
        "small",
        "batch",
        "keep",
        "variance",
        "95%",
        "rad",
        "has",
    ]
    assert lines[1].split() == ["mlp,", "5", "iterations", "0.1", "0.8", "[0.7,", "0.9]", verdict]


def test_nothing_compared_is_nothing_written():
    assert compared_as_text(pd.DataFrame()) == ""


def picture(rows):
    file = BytesIO()
    write_figure(rows, file)
    file.seek(0)
    return matplotlib.image.imread(file)


def test_the_picture_has_a_panel_for_each_point():
    one, four = picture(table()), picture(table(iterations=(0, 1, 2, 3)))
    assert one.std() > 0.05
    assert four.shape[0] > 1.5 * one.shape[0]  # two rows, of three and one
    assert four.shape[1] > 2.5 * one.shape[1]
    assert np.array_equal(one, picture(table()))
    assert not np.array_equal(one, picture(table(model="reactor", data="none")))
