"""``radexp memory``: the table it prints and writes, and what it refuses."""

import csv
import errno
import json
import os
import signal
from pathlib import Path

import pandas as pd
import pytest

from radexp.commands import memory
from radexp.experiments import memory_rows, writing
from radexp.reporting.memory_table import HEADS

RESULTS = Path(__file__).resolve().parents[2] / "results/memory_table"
DIGITS = ("memory", "model=mlp", "model.hidden=[8]", "data=digits", "training.batch_size=20")
EXACT = (*DIGITS, "estimator=exact")
ONE = EXACT[1:]


@pytest.fixture
def here(monkeypatch):
    """Measure in this process: a fresh one takes seconds to start."""
    monkeypatch.setattr(memory_rows, "in_fresh_process", lambda given, function, *a: function(*a))


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
    (environment,) = json.loads((cwd / "o/environment.json").read_text())
    assert (environment["device"], environment["threads"]) == ("cpu", 1)
    # Inputs 64 and 8 wide: 7 + 1 of 20 examples at 4 bytes, 20 * 8 bits, the loss's 40 + 8 bytes
    # each and 4 more.
    assert table["measured_saved_bytes"][0] == 20 * 4 * (7 + 1) + 20 + 20 * 48 + 4


@pytest.mark.usefixtures("here")
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
        (("--per-layers",), ["--per-layers: allowed is --per-layer or KEY=VALUE; see --help"]),
        (("experiment=mnist_mlp",), ["experiment=mnist_mlp: allowed is model, data and estimator"]),
        (("preset=paper",), ["preset=paper: allowed is", "give, say, model=mlp estimator=exact,"]),
        (("+experiment=mnist_mlp",), ["+experiment=mnist_mlp: allowed is model, data and"]),
        (("++preset=paper",), ["++preset=paper: allowed is model, data and estimator with their"]),
        (("model=mlp", "++modle=1"), ["+modle: there is no such key; did you mean model"]),
        ((*ONE, "output=a,b"), ["output: allowed is one folder; try output=memory"]),
        ((*ONE, "output="), ["output: allowed is one folder; try output=memory"]),
        (
            (*ONE, "output=/dev/null/o"),
            ["output folder /dev/null/o: it cannot be written", "Not a dir"],
        ),
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


@pytest.mark.usefixtures("here")
def test_other_problems_are_not_compared_with_the_paper(radexp, cwd):
    words = ("model=rnn", "data=digits", "estimator=exact", "output=o")
    assert radexp("memory", *words).status == 0
    assert "paper_bytes" not in pd.read_csv(cwd / "o/memory.csv")


@pytest.mark.usefixtures("here")
def test_networks_that_differ_in_size_alone_are_told_apart(radexp, cwd):
    words = ("memory", "model=mlp", "model.hidden=[3],[4,5]", "data=digits", "--per-layer")
    outcome = radexp(*words, "estimator=exact")
    assert outcome.status == 0
    for sizes in ("3", "4x5"):
        assert outcome.out.count(f"\nmlp {sizes} exact, stock ") == 1
        assert outcome.out.count(f"\nmlp {sizes}, input 1x8x8, exact, stock, keep 1, batch") == 1
    assert list(pd.read_csv(cwd / "outputs/memory/memory.csv", dtype=str)["sizes"]) == ["3", "4x5"]


@pytest.mark.usefixtures("here")
def test_the_committed_tables_have_the_columns_that_are_written_now(radexp, cwd):
    assert radexp("memory", "model=mlp", "estimator=exact").status == 0
    for name in ("memory.csv", "memory_layers.csv"):
        written, committed = (
            next(csv.reader((where / name).open(encoding="utf-8")))
            for where in (cwd / "outputs/memory", RESULTS)
        )
        assert committed == written, name
    (environment,) = json.loads((cwd / "outputs/memory/environment.json").read_text())
    committed = json.loads((RESULTS / "environment.json").read_text())
    assert [list(each) for each in committed] == [list(environment)]


@pytest.mark.usefixtures("here")
def test_the_papers_problem_has_the_papers_columns_and_the_table_its_heads(radexp, cwd):
    outcome = radexp("memory", "model=mlp", "estimator=exact")
    row = pd.read_csv(cwd / "outputs/memory/memory.csv").iloc[0]
    assert row["paper_bytes"] == 2_690_000
    assert row["total_bytes"] == row["parameter_bytes"] + row["measured_saved_bytes"]
    head = outcome.out.splitlines()[0]
    assert head.split() == " ".join(HEADS).split()
    assert "paper" not in radexp(*EXACT, "output=o").out.splitlines()[1]
    assert "paper_bytes" not in pd.read_csv(cwd / "o/memory.csv")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("plus", ["", "++"])
def test_keys_given_with_a_plus_count_as_given(plus, radexp, cwd):
    words = ("model=mlp", "model.hidden=[8]", f"{plus}data.name=digits", f"{plus}output=o")
    words = (*words, f"{plus}estimator.name=rad", f"{plus}training.batch_size=30")
    assert radexp("memory", *words).status == 0
    table = pd.read_csv(cwd / "o/memory.csv")
    assert list(table["input"]) == ["1x8x8"]
    assert list(table["batch_size"]) == [30]
    assert list(table["estimator"]) == ["rad"]


@pytest.mark.usefixtures("here")
def test_a_data_set_is_loaded_once_and_environments_that_differ_are_all_told(
    radexp, cwd, monkeypatch
):
    calls, load = [], memory.load_dataset
    monkeypatch.setattr(memory, "load_dataset", lambda *a: calls.append(a) or load(*a))
    assert radexp(*EXACT, "threads=1,2", "training.batch_size=20,30").status == 0
    assert calls == [("digits", None)]
    environments = json.loads((cwd / "outputs/memory/environment.json").read_text())
    assert [environment["threads"] for environment in environments] == [1, 2]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["TemporaryFile", "write_atomically"])
def test_an_output_that_cannot_be_written_is_one_line(name, radexp, cwd, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(writing, name, fail)
    if name == "TemporaryFile":  # known before the work
        monkeypatch.setattr(memory_rows, "measure_cell", None)
    outcome = radexp(*EXACT, "output=o")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    message = (
        "output folder o: it cannot be written (Read-only file system); allowed is a folder of "
        "yours; set output=FOLDER"
    )
    assert message in outcome.err
    assert list(cwd.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_one_line(radexp, cwd):
    (cwd / "o/memory.png").mkdir(parents=True)
    outcome = radexp(*EXACT, "output=o")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "memory.png: a folder is where a file shall be: allowed is a file" in outcome.err
    assert [path.name for path in (cwd / "o").iterdir()] == ["memory.png"]


def test_a_cell_that_dies_names_what_was_asked_for_and_leaves_nothing(radexp, cwd, monkeypatch):
    monkeypatch.setattr(memory_rows, "measure_cell", die)
    outcome = radexp(*EXACT)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    given = "model=mlp estimator=exact training.batch_size=20: the measuring process died, perhaps"
    assert given in outcome.err
    assert list(cwd.iterdir()) == []


def die(*cell):
    os._exit(9)


def test_sigterm_is_an_interruption_that_leaves_nothing(radexp, cwd, monkeypatch):
    def end(*_):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(memory_rows, "in_fresh_process", end)
    before = signal.getsignal(signal.SIGTERM)
    outcome = radexp(*EXACT, "output=o")
    assert outcome.status == 130
    assert outcome.err.splitlines()[-1] == "radexp: interrupted; the same command starts anew"
    assert not list(cwd.iterdir())
    assert signal.getsignal(signal.SIGTERM) is before
