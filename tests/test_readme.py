"""Every command in the README is true: make targets exist, radexp lines and the example run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from radexp import cli
from radexp.commands.train import plan_words
from radexp.data import Dataset, Split, load_dataset
from radexp.experiments import classification

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "bash" for line in text.splitlines()]
RADEXP_LINES = [line for line in LINES if line.startswith("radexp ")]
NEEDS_DATA = pytest.mark.skipif(
    "RADEXP_DATA" not in os.environ, reason="RADEXP_DATA names no folder with MNIST and CIFAR-10"
)


def beginning_of(name, root):
    """Load a data set and keep its beginning: evaluating on all of it would take minutes."""
    data = load_dataset(name, root)
    parts = (Split(s.inputs[:300].clone(), s.labels[:300].clone()) for s in (data.train, data.test))
    return Dataset(name, *parts, data.num_classes)


def test_every_line_is_tested():
    assert RADEXP_LINES
    assert all(line.startswith(("radexp ", "make ")) for line in LINES)


@pytest.mark.parametrize("line", sorted({x for x in LINES if x.startswith("make ")}))
def test_make_targets_exist(line):
    done = subprocess.run(["make", "-n", *line.split()[1:]], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(x, marks=[NEEDS_DATA] if "mnist" in x or "cifar" in x else [])
        for x in RADEXP_LINES
    ],
)
def test_radexp_lines_run(line, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["radexp"])
    words = shlex.split(line)[1:]
    monkeypatch.setattr(classification, "_load_dataset_once", beginning_of)
    if words[0] == "report":
        assert cli.main(["train", "training.iterations=2"]) == 0
    if words[0] == "train" and "--help" not in words:
        plan_words(words[1:])
        words.append("training.iterations=20")
    assert cli.main(words) == 0
    assert capfd.readouterr().out.strip()


def test_example_runs(tmp_path):
    (example,) = (text for kind, text in BLOCKS if kind == "python")
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert b"converted=('0', '1', '2')" in done.stdout


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [t for t in targets if "://" not in t and not (ROOT / t).exists()]
    assert not missing
