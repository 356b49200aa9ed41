"""Clocks that run backwards and files of any age: numbers and times do not depend on them."""

import itertools
import json
import os

from harness import RUNS, rows_of

WORDS = RUNS["mlp"]
SWEEP = ("train", "-m", *WORDS[1:], "seed=0,1,2")
AGES = (0, 2**33, 10**9)  # 1970, 2242, 2001


def set_ages(folder):
    for path, age in zip(sorted(folder.rglob("*")), itertools.cycle(AGES), strict=False):
        os.utime(path, (age, age))


def test_a_run_killed_while_the_clock_runs_backwards(commands, undisturbed):
    for number in (15, 25, 35):
        assert commands.run(*WORDS, plan=True, clock=True, die_at=number).status == -9
        set_ages(commands.cwd)
    ended = commands.run(*WORDS, clock=True)
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*WORDS)
    (path,) = commands.cwd.glob("outputs/*/*/summary.json")
    summary = json.loads(path.read_text())
    assert 0 < summary["step_seconds"] < summary["train_seconds"] < 60


def test_a_sweep_neither_skips_nor_repeats_by_the_age_of_files(commands, undisturbed):
    assert commands.run(*WORDS, "seed=1").status == 0
    set_ages(commands.cwd)
    (first,) = commands.cwd.glob("outputs/*/*")
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    ended = commands.run(*SWEEP, clock=True)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.count("completed ") == 3
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert rows_of(commands.cwd) == undisturbed(*SWEEP)
