"""metrics.csv: numbers survive the round trip, and a resumed file has the rows it went on from."""

import csv
import errno
import math
import os

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


def test_commit_returns_what_is_on_disk(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv")
    assert file.commit() == HEADER == file.path.read_text()
    file.append(row(1))
    assert len(file.commit()) > len(HEADER)
    assert file.commit() == file.path.read_text()
    file.close()


def test_resuming_goes_back_to_the_commit_whatever_became_of_the_file(tmp_path):
    path, whole = tmp_path / "metrics.csv", tmp_path / "whole.csv"
    cut = MetricsFile(path)
    cut.append(row(1))
    text = cut.commit()
    cut.append(row(2, loss=99.0))
    cut.close()
    expected = MetricsFile(whole)
    for iteration in (1, 2):
        expected.append(row(iteration))
    expected.close()
    for damage in (lambda: None, path.unlink, lambda: path.write_bytes(b"\xff"), lambda: None):
        damage()
        resumed = MetricsFile(path, text)
        resumed.append(row(2))
        assert resumed.text == path.read_text()
        resumed.close()
        assert path.read_bytes() == whole.read_bytes()


def test_a_disk_that_takes_a_part_of_a_row_is_asked_until_it_refuses(tmp_path, monkeypatch):
    file, taken = MetricsFile(tmp_path / "metrics.csv"), []

    class FillingUp:
        def write(self, contents):
            if len(taken) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken.append(contents[:7])
            return len(taken[-1])

    file.close()
    monkeypatch.setattr(file, "_file", FillingUp())
    with pytest.raises(OSError, match="No space left"):
        file.append(row(1))
    assert file.text.endswith(b"".join(taken).decode() + file.text[len(HEADER) + 14 :])


def test_a_new_file_replaces_an_old_one(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("old rows\n" * 100)
    MetricsFile(path).close()
    assert path.read_text() == HEADER
