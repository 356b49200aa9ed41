"""Every command in the README is true: make targets exist, radexp lines and the example run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from radexp import cli
from radexp.commands.composing import compose_jobs, parse_words
from radexp.data import Dataset, Split, cifar10, load_dataset, mnist
from radexp.data.sources import find_file, given_root
from radexp.errors import UsageError
from radexp.experiments import classification, jobs, memory_rows, plan

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "bash" for line in text.splitlines()]
RADEXP_LINES = [line for line in LINES if line.startswith("radexp ")]
FILES = {"mnist": (mnist.CONTENTS, "mnist"), "cifar": (cifar10.CONTENTS, "cifar10", cifar10.FOLDER)}


def marks_of(line):
    """Return a mark that skips a line whose data set RADEXP_DATA has not: tests fetch nothing."""
    return [
        pytest.mark.skipif(not is_there(*FILES[name]), reason=f"RADEXP_DATA has no {name} files")
        for name in FILES
        if name in line
    ]


def is_there(names, *folders):
    """Tell whether the folder in RADEXP_DATA, where there is one, has files of these names."""
    try:
        root = given_root(None)
        return root is not None and all(find_file(root, name, *folders) for name in names)
    except UsageError:
        return False


def beginning_of(name, root):
    """Load a data set and keep its beginning: evaluating on all of it would take minutes."""
    data = load_dataset(name, root)
    parts = (Split(s.inputs[:300].clone(), s.labels[:300].clone()) for s in (data.train, data.test))
    return Dataset(name, *parts, data.num_classes)


def planned_once():
    """Return a make_plan that remembers: a job is planned when it is checked and when it runs."""
    plans = {}

    def make_plan(config):
        key = plan.hash_config(config)
        plans[key] = plans.get(key) or plan.make_plan(config)
        return plans[key]

    return make_plan


def test_every_line_is_tested():
    assert RADEXP_LINES
    assert all(line.startswith(("radexp ", "make ")) for line in LINES)


@pytest.mark.parametrize("line", sorted({x for x in LINES if x.startswith("make ")}))
def test_make_targets_exist(line):
    done = subprocess.run(["make", "-n", *line.split()[1:]], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


@pytest.mark.parametrize("line", [pytest.param(x, marks=marks_of(x)) for x in RADEXP_LINES])
def test_radexp_lines_run(line, tmp_path, monkeypatch, capfd, torch_state):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["radexp"])
    words = shlex.split(line)[1:]
    monkeypatch.setattr(classification, "_load_dataset_once", beginning_of)
    monkeypatch.setattr(plan, "KEEP_STEPS", 100)  # solve for fractions more coarsely
    monkeypatch.setattr(jobs, "make_plan", planned_once())
    monkeypatch.setattr(memory_rows, "in_fresh_process", lambda given, function, *a: function(*a))
    if words[0] in ("report", "status"):
        assert cli.main(["train", "training.iterations=2"]) == 0
    if words[0] == "train" and "--help" not in words:
        flags = parse_words(words[1:])
        assert compose_jobs(flags.overrides, flags.multirun)
        words.append("training.iterations=5")
    if words[0] == "tune":
        words += ["training.iterations=5", "tune.draws=2", "hydra/launcher=basic"]
    if words[0] == "memory":
        words.append("training.batch_size=20")
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
