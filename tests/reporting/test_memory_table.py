"""The memory table as text and picture, from rows that are made up."""

from io import BytesIO

import pandas as pd
import pytest

from radexp.reporting.memory_table import (
    HEADS,
    NOTE,
    arm_name,
    as_text,
    layers_as_text,
    write_figure,
)

PARTS = ("parameters", "gradients", "optimizer", "batch", "saved", "workspace")


def row(estimator="exact", keep=1.0, model="mlp", sizes="300", peak=60_000_000, **changes):
    cell = {
        "model": model,
        "sizes": sizes,
        "input": "1x28x28",
        "estimator": estimator,
        "keep": keep,
        "batch_size": 150,
        "whole_batch_size": 150,
        "lean": estimator != "exact",
        "predicted_saved_bytes": 1_000_000,
        "measured_saved_bytes": 1_000_000,
        **{f"peak_{part}_bytes": peak // len(PARTS) for part in PARTS},
        "peak_total_bytes": peak,
        "total_bytes": 2_345_678,
        "paper_bytes": 2_690_000.0,
        "closed_form_bytes": 2_694_040.0,
        "closed_form_full_masks_bytes": 2_700_000.0,
    }
    return cell | changes


def table(*rows):
    return pd.DataFrame(rows).rename_axis("cell")


def cells_of(text):
    """Return the cells of each line of the table, by the places of its heads."""
    head, *lines = text.partition("\n\n")[0].splitlines()
    assert [head[head.index(name) :][: len(name)] for name in HEADS] == list(HEADS)
    return [line.split() for line in lines]


def test_a_row_has_its_numbers_under_the_heads():
    text = as_text(table(row(), row("rad", 0.1, peak=45_000_000)))
    exact, rad = cells_of(text)
    numbers = ["2.69", "2.69", "2.70", "2.35", "yes"]
    assert exact == ["mlp", "exact,", "stock", "1", *numbers, "60.00"]
    assert rad == ["mlp", "rad", "0.1", *numbers, "45.00", "(0.75)"]
    assert text.endswith(f"\n\n{NOTE}")


def test_a_prediction_that_is_a_byte_off_is_told():
    (cells,) = cells_of(as_text(table(row(predicted_saved_bytes=1_000_001))))
    assert cells[-2] == "NO"


@pytest.mark.parametrize("missing", [None, float("nan"), "column"])
def test_what_the_paper_lacks_is_a_dash(missing):
    one = row()
    for name in ("paper_bytes", "closed_form_bytes", "closed_form_full_masks_bytes"):
        if missing == "column":
            del one[name]
        else:
            one[name] = missing
    (cells,) = cells_of(as_text(table(one)))
    assert cells[4:7] == ["-", "-", "-"]


def test_sizes_are_told_where_one_model_has_several():
    assert "mlp exact, stock" in as_text(table(row(), row(model="rnn", sizes="100")))
    text = as_text(table(row(), row(sizes="4-5"), row(model="rnn", sizes="100")))
    for name in ("mlp 300 exact, stock", "mlp 4-5 exact, stock", "rnn 100 exact, stock"):
        assert text.count(f"\n{name} ") == 1


def test_peaks_are_compared_with_the_stock_step_of_the_same_problem_alone():
    rows = [row(), row("rad", 0.1, peak=30_000_000), row("rad", 0.1, input="1x8x8")]
    rows += [row("rad", 0.1, sizes="4"), row("rad", 0.1, whole_batch_size=20, batch_size=20)]
    peaks = [" ".join(cells[cells.index("yes") + 1 :]) for cells in cells_of(as_text(table(*rows)))]
    assert peaks == ["60.00", "30.00 (0.50)", "60.00", "60.00", "60.00"]


def test_two_stock_steps_of_a_problem_are_no_measure():
    text = as_text(table(row(), row(peak=30_000_000), row("rad", 0.1)))
    assert "(" not in text.partition("\n\n")[0]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (row(), "exact, stock"),
        (row("small_batch"), "exact, lean"),
        (row("small_batch", lean=False), "exact, stock"),
        (row("small_batch", batch_size=20), "batch 20, lean"),
        (row("small_batch", batch_size=20, lean=False), "batch 20, stock"),
        (row("rad_shared", 0.1), "rad_shared"),
    ],
)
def test_names_of_arms(cell, name):
    assert arm_name(cell) == name


def test_layers_come_in_a_block_for_each_cell():
    layer = {"layer": "0", "kind": "Linear", "predicted_saved_bytes": 1234567}
    by_layer = pd.concat(
        {
            0: pd.DataFrame([layer | {"measured_saved_bytes": 1234567}]),
            1: pd.DataFrame([layer | {"measured_saved_bytes": 7}]),
        },
        names=["cell"],
    )
    _, first, second = layers_as_text(table(row(), row("rad", 0.25)), by_layer).split("\nmlp ")
    assert first.startswith("300, input 1x28x28, exact, stock, keep 1, batch 150: bytes held\n")
    assert second.startswith("300, input 1x28x28, rad, keep 0.25, batch 150: bytes held\n")
    assert first.splitlines()[1].split() == ["layer", "kind", "predicted", "measured"]
    assert first.splitlines()[2].split() == ["0", "Linear", "1,234,567", "1,234,567"]
    assert second.splitlines()[2].split() == ["0", "Linear", "1,234,567", "7"]


@pytest.fixture
def drawn(monkeypatch):
    """Return a list that takes every figure that is drawn."""
    figures, make = [], write_figure.__globals__["Figure"]

    def remember(*args, **kwargs):
        figures.append(make(*args, **kwargs))
        return figures[-1]

    monkeypatch.setitem(write_figure.__globals__, "Figure", remember)
    return figures


def test_the_picture_has_a_row_for_each_problem_and_all_of_its_bars(drawn):
    file = BytesIO()
    rows = [row(), row("rad", 0.1, peak=30_000_000), row(model="rnn", sizes="100")]
    write_figure(table(*rows), file)
    assert file.getvalue().startswith(b"\x89PNG")
    (figure,) = drawn
    mlp_total, mlp_peak, rnn_total, _ = figure.axes
    assert mlp_total.get_title() == "mlp: parameters + held for the backward pass"
    assert rnn_total.get_title().startswith("rnn: ")
    assert [bar.get_height() for bar in mlp_total.patches] == pytest.approx([2.345678] * 2)
    tops = [bar.get_y() + bar.get_height() for bar in mlp_peak.patches][-2:]
    assert tops == pytest.approx([60, 30])
    names = [label.get_text() for label in mlp_total.get_xticklabels()]
    assert names == ["exact, stock\n1", "rad\n0.1"]
    assert [list(line.get_ydata()) for line in mlp_total.lines] == [[2.7] * 2, [2.69] * 2]


def test_a_picture_without_the_papers_numbers_has_no_marks(drawn):
    rows = table(row()).drop(columns=["paper_bytes", "closed_form_full_masks_bytes"])
    write_figure(rows, BytesIO())
    assert not drawn[0].axes[0].lines
