"""Other processes: a second one on the same run, and workers of a sweep that die."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import RUNS, Starter, rows_of, wait_for

LONG = (*RUNS["mlp"], "training.iterations=500")
SWEEP = ("train", "-m", *LONG[1:], "seed=0,1,2")
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


def begun(folder):
    """Return the run folders in which rows are being written."""
    paths = folder.glob("outputs/*/*/metrics.csv")
    return [path.parent for path in paths if path.stat().st_size > 200]


def test_a_second_process_is_refused_and_the_first_undisturbed(commands, undisturbed):
    first = commands.start(*LONG)
    first.until(lambda: begun(commands.cwd))
    first.kill(signal.SIGSTOP)  # starting another process takes longer than this run
    second = [sys.executable, "-m", "radexp.cli", *LONG]
    done = subprocess.run(second, cwd=commands.cwd, capture_output=True, text=True, check=False)
    first.kill(signal.SIGCONT)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "another process is writing it; allowed is one at a time" in done.stderr
    ended = first.wait()
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*LONG)


def children_of(number):
    """Return the process numbers below a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == number:
            child = int(entry.parent.name)
            found += [child, *children_of(child)]
    return found


def lock_holders(folders):
    """Return which processes have the locks of some folders open."""
    locks = {str(folder / ".lock") for folder in folders}
    holders = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in locks:
                holders.add(int(link.parts[2]))
        except OSError:
            continue
    return holders


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no /proc to ask")
def test_a_sweep_whose_worker_dies_ends_lists_it_and_completes_the_next_time(
    commands: Starter, undisturbed
):
    sweep = commands.start(*SWEEP, *JOBLIB)
    sweep.until(lambda: len(begun(commands.cwd)) == 2)
    victim = min(lock_holders(begun(commands.cwd)))
    assert victim in children_of(sweep.number)
    os.kill(victim, signal.SIGKILL)
    ended = sweep.wait()
    assert ended.status == 1
    listed = [line for line in ended.err.splitlines() if line.startswith("radexp: failed: ")]
    assert listed
    wait_for(lambda: not lock_holders(commands.cwd.glob("outputs/*/*")))
    ended = commands.run(*SWEEP)
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*SWEEP)
