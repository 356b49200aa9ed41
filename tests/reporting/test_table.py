"""The final table: numbers, width, escaping."""

import math
from pathlib import Path

import pytest
from sealed import write_summary

from radexp.reporting.records import load_records
from radexp.reporting.table import as_html, as_text, final_table

REACTOR = Path(__file__).resolve().parents[2] / "results/reactor"


def test_one_row_for_each_arm_with_its_numbers(study):
    table = final_table(load_records(study).runs).set_index("arm")
    assert table.loc["rad", "n"] == 3
    assert table.loc["rad", "keep"] == 0.0914
    assert table.loc["small_batch", "batch_size"] == 20
    assert table.loc["exact", "memory_bytes"] == 1_850_000
    assert table.loc["exact", "peak_bytes"] == 9_500_000
    row = table.loc["exact"]
    assert row["train_loss_low"] <= row["train_loss"] <= row["train_loss_high"]


def test_diverged_runs_count_as_infinite_and_failed_ones_not(make_run):
    make_run("rad", 0)
    make_run("rad", 1, status="diverged")
    folder = make_run("rad", 2, status="failed")
    (row,) = final_table(load_records(folder.parent).runs).to_dict("records")
    assert (row["n"], row["diverged"], row["other_runs"]) == (2, 1, 1)
    assert row["train_loss"] == math.inf
    assert math.isnan(row["test_accuracy"])


def test_one_seed_shows_no_interval(make_run):
    text = as_text(final_table(load_records(make_run()).runs))
    assert "[no interval]" in text


def test_an_arm_that_only_failed_is_listed(make_run):
    folder = make_run(status="failed")
    write_summary(folder, {"status": "failed"})
    text = as_text(final_table(load_records(folder).runs))
    assert "rad  0" in text
    assert "nan" not in text


@pytest.mark.parametrize("name", ["rad", "an_estimator_with_a_name_far_too_long" * 4])
def test_text_is_aligned_and_at_most_100_columns(study, name):
    runs = load_records(study).runs.replace({"arm": {"rad": name}})
    lines = as_text(final_table(runs)).splitlines()
    assert max(map(len, lines)) <= 100
    heads = [i for i, line in enumerate(lines) if line.startswith("arm ")]
    assert len(heads) == 2
    for start in heads:
        assert len({len(line) for line in lines[start : start + 6]}) == 1


def test_a_control_has_no_batch_to_show():
    runs = load_records(REACTOR).runs
    rows = final_table(runs).set_index("arm")
    assert math.isnan(rows.loc["checkpoint", "batch_size"])
    text = as_text(rows.reset_index())
    assert "batch" not in text
    (line,) = (
        line for line in text.splitlines() if line.startswith("checkpoint") and "1.55" in line
    )
    assert line.split()[:3] == ["checkpoint", "5", "-"]


def test_html_escapes_names(study):
    runs = load_records(study).runs.replace({"arm": {"rad": "<script>x</script>"}})
    html = as_html(final_table(runs))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
