"""metrics.csv: numbers survive the round trip, and a resumed file drops what came after."""

import csv
import math

import pytest

from radexp.training.metrics import COLUMNS, MetricsFile, Row

HEADER = "iteration,examples_seen,train_seconds,split,loss,accuracy,learning_rate,gradient_norm\n"


def row(iteration: int, **values) -> Row:
    numbers = {"loss": 0.1 + 0.2, "accuracy": 1 / 3, "learning_rate": 1e-3, **values}
    return Row(iteration, 40 * iteration, 0.25 * iteration, "batch", **numbers)


def test_columns_are_those_of_the_record():
    assert ",".join(COLUMNS) + "\n" == HEADER


@pytest.mark.parametrize("loss", [0.1 + 0.2, 1e-300, 1.7e308, math.pi, 5e-324])
def test_reading_gives_the_same_numbers_back(tmp_path, loss):
    file = MetricsFile(tmp_path / "metrics.csv")
    file.append(row(3, loss=loss, gradient_norm=loss))
    file.append(row(4))
    file.close()
    with file.path.open(newline="") as text:
        first, second = csv.DictReader(text)
    assert (float(first["loss"]), float(first["gradient_norm"])) == (loss, loss)
    assert (first["iteration"], first["train_seconds"]) == ("3", "0.750000")
    assert second["gradient_norm"] == ""


def test_commit_returns_the_size_on_disk(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    assert file.commit() == len(HEADER) == file.path.stat().st_size
    file.append(row(1))
    assert file.commit() == file.path.stat().st_size > len(HEADER)
    file.close()


def test_resuming_cuts_back_to_the_commit(tmp_path):
    path, whole = tmp_path / "metrics.csv", tmp_path / "whole.csv"
    cut = MetricsFile(path)
    cut.append(row(1))
    size = cut.commit()
    for iteration in (2, 3):
        cut.append(row(iteration, loss=99.0))
    cut.close()
    resumed = MetricsFile(path, size)
    resumed.append(row(2))
    resumed.close()
    expected = MetricsFile(whole)
    for iteration in (1, 2):
        expected.append(row(iteration))
    expected.close()
    assert path.read_bytes() == whole.read_bytes()


def test_a_new_file_replaces_an_old_one(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("old rows\n" * 100)
    MetricsFile(path).close()
    assert path.read_text() == HEADER
