"""``radexp memory``: the table it prints and writes, and what it refuses."""

import os

import pandas as pd
import pytest

from radexp.commands.memory import in_fresh_process
from radexp.errors import UsageError

DIGITS = ("memory", "model=mlp", "model.hidden=[8]", "data=digits", "training.batch_size=20")


def test_cells_are_predicted_measured_and_written(radexp, cwd):
    outcome = radexp(*DIGITS, "estimator=rad", "estimator.keep=0.1,0.5", "--per-layer", "output=o")
    assert outcome.status == 0
    assert outcome.out.count("yes") == 2
    assert "SketchedLinear" in outcome.out
    files = {path.name for path in (cwd / "o").iterdir()}
    assert files == {"memory.csv", "memory_layers.csv", "memory.png", "environment.json"}
    table = pd.read_csv(cwd / "o/memory.csv")
    assert list(table["keep"]) == [0.1, 0.5]
    assert (table["predicted_saved_bytes"] == table["measured_saved_bytes"]).all()
    parts = [column for column in table if column.startswith("peak_") and "total" not in column]
    assert (table[parts].sum(axis=1) == table["peak_total_bytes"]).all()
    layers = pd.read_csv(cwd / "o/memory_layers.csv")
    sums = layers.groupby("cell")["measured_saved_bytes"].sum()
    assert list(sums) == list(table["measured_saved_bytes"])
    # Inputs 64 and 8 wide: 7 + 1 of 20 examples at 4 bytes, 20 * 8 bits, the loss's 40 + 8 bytes
    # each and 4 more.
    assert table["measured_saved_bytes"][0] == 20 * 4 * (7 + 1) + 20 + 20 * 48 + 4


def test_without_an_estimator_the_rows_of_table_1_come(radexp, cwd):
    outcome = radexp(*DIGITS)
    table = pd.read_csv(cwd / "outputs/memory/memory.csv")
    assert outcome.status == 0
    assert list(table["estimator"]) == ["exact", "small_batch", *["rad"] * 5]
    assert list(table["keep"]) == [1, 1, 0.8, 0.5, 0.3, 0.1, 0.05]
    assert set(table["batch_size"]) == {20}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("model=cn",), ["model=cn", "cnn"]),
        (("model=mlp", "data=digits", "budget=1B"), ["budget=1B", "allowed is at least"]),
        (("--per-layers",), ["--per-layers", "--per-layer"]),
        (("model=mlp", "keep=0.1"), ["keep"]),
        (("model=mlp", "estimator=rad", "estimator.keep=2"), ["estimator.keep=2", "0 < keep <= 1"]),
        (("model=cnn", "data=digits", "model.channels=[]"), ["channels"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, parts, radexp, cwd):
    outcome = radexp("memory", *words)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    for part in parts:
        assert part in outcome.err
    assert list(cwd.iterdir()) == []


def test_other_problems_are_not_compared_with_the_paper(radexp, cwd):
    words = ("model=rnn", "data=digits", "estimator=exact", "output=o")
    assert radexp("memory", *words).status == 0
    assert "paper_bytes" not in pd.read_csv(cwd / "o/memory.csv")


def test_networks_that_differ_in_size_alone_are_told_apart(radexp, cwd):
    words = ("memory", "model=mlp", "model.hidden=[3],[4,5]", "data=digits", "--per-layer")
    outcome = radexp(*words, "estimator=exact")
    assert outcome.status == 0
    assert "hidden=[3] exact" in outcome.out
    assert outcome.out.count("hidden=[4, 5], input 1x8x8") == 1


def test_a_measuring_process_that_dies_is_told_in_one_line():
    with pytest.raises(UsageError, match="the measuring process died, perhaps for want of memory"):
        in_fresh_process(_exit_with, 9)


def _exit_with(status):
    os._exit(status)
