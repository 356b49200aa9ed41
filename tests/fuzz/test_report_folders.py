"""Record folders from outside, handed to radexp report: read or refused, and never obeyed."""

import contextlib
import io
import json
import os
import shutil
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sealed import edit_summary

from fuzz.cases import cases
from fuzz.hostile import (
    BYTES,
    CHANGES,
    TEXTS,
    damage_bytes,
    damage_document,
    damage_table,
)
from fuzz.page import check_markdown, check_page
from radexp.cli import main
from radexp.reporting.measured_table import KINDS
from radexp.reporting.reading import read_yaml
from radexp.reporting.records import load_records, write_evidence

RESULTS = Path(__file__).parents[2] / "results"
WORDS = (
    "preset=smoke",
    "model.hidden=[16]",
    "budget=90%",
    "training.iterations=4",
    "training.log_every=2",
)
FILES = ("config.yaml", "summary.json", "environment.json", "metrics.csv")
EVIDENCE = ("runs.csv", "curves.csv", "environment.json")
MEASURED = {"memory": "memory_table", "depth": "variance_depth", "bias": "unbiasedness"}
MEASURED |= {"noise": "gradient_noise/mlp", "frontier": "frontier/noise"}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Return a folder with a study of real runs, their evidence, and measured tables."""
    folder = tmp_path_factory.mktemp("records")
    words = ["train", "-m", "experiment=mnist_mlp", *WORDS, f"output={folder}"]
    with mock.patch.object(sys, "argv", ["radexp"]):
        assert main([*words, "seed=0,1", "estimator=exact,rad"]) == 0
    (study,) = folder.iterdir()
    study.rename(folder / "runs")
    write_evidence(load_records(folder / "runs"), folder / "evidence")
    for kind, place in MEASURED.items():
        (folder / kind).mkdir()
        lines = (RESULTS / place / f"{kind}.csv").read_text().splitlines(keepends=True)
        (folder / kind / f"{kind}.csv").write_text("".join(lines[:60]))
    return folder


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave out the pictures, which take longest."""
    monkeypatch.setattr("radexp.reporting.report.draw_pictures", lambda *parts: ([], []))


def copy(source, target):
    """Return a fresh copy of a folder of records."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target))


def run_of(folder):
    """Return one run's folder of a study."""
    return min(path for path in folder.iterdir() if (path / "summary.json").is_file())


def check(folder, cwd):
    """Report a folder from an empty one; hold what comes out to its promise."""
    for old in cwd.iterdir():
        shutil.rmtree(old)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["report", f"runs={folder}", "output=out"])
    assert status in (0, 2)
    assert all(line.isprintable() for line in out.getvalue().split("\n"))
    assert [path.name for path in cwd.iterdir()] == ["out"] * (status == 0)
    if status == 2:
        assert err.getvalue().startswith("radexp: ")
        assert len(err.getvalue().splitlines()) == 1
        return
    check_page((cwd / "out/index.html").read_text(encoding="utf-8"))
    check_markdown((cwd / "out/report.md").read_text(encoding="utf-8"))


def damage(path, changes):
    """Change the contents of a table or a document."""
    if path.suffix == ".csv":
        text = damage_table(path.read_text(encoding="utf-8"), changes)
    else:
        read = json.loads(path.read_text()) if path.suffix == ".json" else read_yaml(path)
        text = damage_document(read, changes)
    path.write_bytes(text.encode("utf-8", "replace"))


@cases(150)
@given(st.sampled_from(FILES), CHANGES, st.sampled_from(FILES), CHANGES)
def test_runs_of_changed_contents(records, cwd, tmp_path, no_pictures, one, ones, other, others):
    folder = copy(records / "runs", tmp_path / "in")
    run = run_of(folder)
    for name, changes in {one: ones, other: others}.items():
        damage(run / name, changes)
    with contextlib.suppress(ValueError, AttributeError):  # no object any more: no seal
        edit_summary(run)
    check(folder, cwd)


@cases(100)
@given(st.sampled_from(EVIDENCE), CHANGES)
def test_evidence_of_changed_contents(records, cwd, tmp_path, no_pictures, name, changes):
    folder = copy(records / "evidence", tmp_path / "in")
    damage(folder / name, changes)
    check(folder, cwd)


@cases(100)
@given(st.sampled_from(sorted(KINDS)), CHANGES)
def test_measured_tables_of_changed_contents(records, cwd, tmp_path, no_pictures, kind, changes):
    folder = copy(records / kind, tmp_path / "in")
    damage(folder / f"{kind}.csv", changes)
    check(folder, cwd)


@cases(100)
@given(st.sampled_from(FILES), BYTES, st.one_of(st.none(), st.integers(0, 3000)))
def test_runs_of_damaged_bytes(records, cwd, tmp_path, no_pictures, name, changes, end):
    folder = copy(records / "runs", tmp_path / "in")
    path = run_of(folder) / name
    path.write_bytes(damage_bytes(path.read_bytes(), changes, end))
    check(folder, cwd)


@cases(60)
@given(st.lists(st.one_of(st.sampled_from(TEXTS), st.text(max_size=30)), max_size=4), st.binary())
def test_words_beside_records(records, cwd, tmp_path, no_pictures, words, noise):
    folder = copy(records / "evidence", tmp_path / "in")
    text = "\n\n- ".join(words).encode("utf-8", "replace")
    (folder / "deviations.md").write_bytes(text + noise[:3])
    (folder / "command.txt").write_bytes(text)
    check(folder, cwd)


NAMES = [text for text in TEXTS if text and "/" not in text and "\0" not in text and len(text) < 99]


@pytest.mark.parametrize("name", [name for name in NAMES if name != ".."])
def test_names_of_folders(records, cwd, tmp_path, no_pictures, name):
    copy(records / "runs", tmp_path / "in" / name)
    copy(records / "memory", tmp_path / "in" / f"{name} too")
    check(tmp_path / "in", cwd)


PICTURED = st.sampled_from(["runs/metrics.csv", "evidence/runs.csv", "evidence/curves.csv"])


@cases(8)
@given(PICTURED, CHANGES)
@example("evidence/runs.csv", [(1, 5, "$x^2$ $\\frac")])
def test_pictures_of_changed_contents(records, cwd, tmp_path, place, changes):
    source, name = place.split("/")
    folder = copy(records / source, tmp_path / "in")
    run = run_of(folder) if source == "runs" else None
    damage((run or folder) / name, changes)
    if run:
        edit_summary(run)
    check(folder, cwd)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch pwned']",
        "a: !!python/object/apply:os.mkdir ['pwned']",
        "a: !!python/name:os.system x",
        "a: !!python/module:os",
        "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]",
        "{" * 5000,
        "a: " + "[" * 5000,
        "? [1]\n: 2",
        "seed: ${oc.env:HOME}",
    ],
)
def test_yaml_that_would_run_or_grow(records, cwd, tmp_path, no_pictures, text):
    folder = copy(records / "runs", tmp_path / "in")
    (run_of(folder) / "config.yaml").write_text(text)
    edit_summary(run_of(folder))
    check(folder, cwd)
    assert not any("pwned" in name for _, _, names in os.walk(tmp_path) for name in names)


def test_a_page_with_a_script_is_noticed():
    for bad in ("<script>", "<img src=x>", "<p onclick=x>", "<a href='http://x'>", "<!-- x -->"):
        with pytest.raises(AssertionError):
            check_page(f"<body><style></style>{bad}</body>")
    with pytest.raises(AssertionError):
        check_markdown("a <b>")
