"""Workers end with who started them: a sweep's, and a measuring process."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from radexp.experiments.orphans import LAUNCHER, ending_with_launcher

PROCESSES = Path("/proc")
WORKER = """
import os, signal, sys, time
from radexp.experiments.orphans import ending_with_launcher
signal.signal(signal.SIGTERM, signal.default_int_handler)
with ending_with_launcher():
    try:
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(60)
    except KeyboardInterrupt:
        open(sys.argv[1] + ".stopped", "w").close()
"""
PARENT = f"""
import os, subprocess, sys
os.environ["{LAUNCHER}"] = str(os.getpid())
subprocess.run([sys.executable, "-c", *sys.argv[1:]])
"""
MEASURING = """
import os, sys, time
from radexp.experiments.fresh_process import in_fresh_process
def work(mark):
    open(mark, "w").write(str(os.getpid()))
    time.sleep(60)
in_fresh_process("given", work, sys.argv[1])
"""


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(number):
    """Tell whether a process has ended, or is only waiting to be buried."""
    try:
        text = (PROCESSES / str(number) / "stat").read_text()
        return text.rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def killed_after_its_child_began(program, mark, *words):
    process = subprocess.Popen([sys.executable, "-c", program, *words, str(mark)])
    wait_for(lambda: mark.exists() and mark.read_text())
    process.kill()
    process.wait()
    return int(mark.read_text())


def test_a_sweeps_worker_stops_as_by_a_signal_and_ends(tmp_path):
    mark = tmp_path / "mark"
    worker = killed_after_its_child_began(PARENT, mark, WORKER)
    wait_for(lambda: (tmp_path / "mark.stopped").exists())
    if PROCESSES.is_dir():
        wait_for(lambda: is_gone(worker))


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="there is no /proc to ask")
def test_a_measuring_process_ends_with_who_wants_to_know(tmp_path):
    worker = killed_after_its_child_began(MEASURING, tmp_path / "mark")
    wait_for(lambda: is_gone(worker))


@pytest.mark.parametrize("launcher", ["", "none", "itself"])
def test_processes_that_no_sweep_started_are_left_alone(monkeypatch, launcher):
    monkeypatch.setenv(LAUNCHER, str(os.getpid()) if launcher == "itself" else launcher)
    with ending_with_launcher():
        done = True
    assert done


def test_a_sweeps_worker_whose_command_is_gone_begins_no_job(monkeypatch):
    def leave(status):
        raise SystemExit(status)

    monkeypatch.setenv(LAUNCHER, str(os.getpid()))  # no parent of this process
    monkeypatch.setattr(multiprocessing.current_process(), "name", "LokyProcess-1")
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit), ending_with_launcher():
        pytest.fail("it began")
