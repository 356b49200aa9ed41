"""Tables beside claims: the right numbers in the right cells."""

from pathlib import Path

import pytest

from radexp.reporting.finding import find
from radexp.reporting.grids import bias_scores, depth_slopes, noise_ratios, table_1
from radexp.reporting.measurements import read_measurements

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def table(make_job):
    return lambda kind, **options: read_measurements(find(make_job(kind, **options))).tables[0]


def test_table_1_side_by_side_from_the_committed_cells():
    (table,) = read_measurements(find(RESULTS / "memory_table")).tables
    grid = table_1(table)
    assert grid.heads == ("network", "MB", "1", "0.8", "0.5", "0.3", "0.1", "0.05")
    rows = {row[:2]: row[2:] for row in grid.rows}
    assert rows["cnn", "printed"] == ("23.08", "19.19", "12.37", "7.82", "3.28", "2.14")
    full = rows["cnn", "closed form, full masks"]
    assert full == ("23.08", "19.77", "12.95", "8.40", "3.85", "2.72")
    assert rows["cnn", "measured, lean"][-2:] == ("3.87", "2.73")
    assert rows["rnn", "measured, stock"] == ("47.62", *["-"] * 5)
    assert len(grid.rows) == 12


def test_networks_that_the_paper_lacks_have_no_printed_row(table, measured_text):
    head, *lines = measured_text("memory").splitlines()
    text = "".join(f"{line}\n" for line in [head, *(x.rsplit(",", 3)[0] + ",,," for x in lines)])
    grid = table_1(table("memory", text=text))
    assert [row[:3] for row in grid.rows] == [
        ("mlp", "measured, lean", "1.81"),
        ("mlp", "measured, stock", "1.81"),
    ]


def test_networks_at_two_inputs_are_told_apart(table, measured_text):
    text = measured_text("memory")
    more = "".join(text.splitlines(keepends=True)[1:]).replace("1x28x28", "1x8x8")
    names = {row[0] for row in table_1(table("memory", text=text + more)).rows}
    assert names == {"mlp, input 1x28x28", "mlp, input 1x8x8"}


def test_noise_ratios_by_fraction_and_point(table):
    (grid,) = noise_ratios(table("noise"))
    assert grid.heads == ("keep", "after 5")
    assert grid.title == "mlp on digits: rad over small batch, measured"
    ((keep, ratio),) = grid.rows
    assert keep == "0.1"
    assert ratio.startswith("1.99 [1.9")


def test_noise_without_a_rival_has_no_ratios(table, measured_text):
    lines = measured_text("noise").splitlines(keepends=True)
    assert noise_ratios(table("noise", text="".join(x for x in lines if "small" not in x))) == []


def test_depth_slopes_name_the_claim(table):
    grid = depth_slopes(table("depth"))
    assert [row[0] for row in grid.rows] == ["C9", "C10"]
    assert grid.rows[0][-1] == "not reproduced"  # its variance doubles


def test_depth_rows_that_cannot_be_judged_give_none(table, measured_text):
    lines = measured_text("depth").splitlines(keepends=True)
    assert depth_slopes(table("depth", text="".join(lines[:-1]))) is None


def test_bias_scores_show_the_planted_bias(table):
    grid = bias_scores(table("bias"))
    assert [row[4] for row in grid.rows] == ["1", "1.03"]
    assert grid.rows[1][-3:] == ("1.0300", "1.5", "-")
