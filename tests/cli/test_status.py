"""``radexp status``: what it prints and how it ends, for every state a job can be in."""

import os
import signal
import subprocess
import sys
import time

import pytest
from filelock import FileLock
from sealed import write_summary

from radexp.commands import status as module
from radexp.commands.status import look
from radexp.reporting.job_list import AskedJob, job_list_csv

HEAD = "iteration,examples_seen,train_seconds,split,loss,accuracy,learning_rate,gradient_norm\n"
RECORDS = {
    "b": {"status": "completed", "iterations_done": 20},
    "c": {"status": "failed", "iterations_done": 3, "message": "ValueError: it broke"},
    "d": {"status": "out_of_memory", "iterations_done": 1, "message": "no memory"},
    "e": {"status": "diverged", "iterations_done": 5, "message": "the loss is nan"},
    "f": {"status": "interrupted", "iterations_done": 10, "message": "stopped at iteration 10"},
}


@pytest.fixture
def study(cwd):
    """Return a study with one job in each state but running, which is cut, and unknown."""
    folder = cwd / "outputs/s"
    folder.mkdir(parents=True)
    jobs = [AskedJob("a", "run", 20), *(AskedJob(name, "run", 20) for name in RECORDS)]
    jobs += [AskedJob("g", "run", 20), AskedJob("h", "depth", 0)]
    (folder / "jobs.csv").write_bytes(job_list_csv(jobs))
    for name in ("a", *RECORDS):
        (folder / name).mkdir()
        (folder / name / "config.yaml").write_text("training: {iterations: 20}")
    for name, record in RECORDS.items():
        write_summary(folder / name, record)
    (folder / "a/metrics.csv").write_text(f"{HEAD}5,200,0.5,batch,0.25,0.5,0.1,3.0\n")
    (folder / "a/.lock").touch()
    return folder


def test_every_state_is_counted_and_told(radexp, study):
    with FileLock(study / "a/.lock"):
        outcome = radexp("status")
    assert (outcome.status, outcome.err) == (1, "")
    assert outcome.out == (
        "outputs/s: 8 jobs: 1 running, 2 waiting, 1 completed, 1 diverged, 1 out_of_memory, "
        "1 interrupted, 1 failed\n"
        "  running                5/20  25%  a  batch loss 0.25, about 2 s left\n"
        "  completed             20/20 100%  b\n"
        "  failed                 3/20  15%  c  ValueError: it broke\n"
        "  out_of_memory          1/20   5%  d  no memory\n"
        "  diverged               5/20  25%  e  the loss is nan\n"
        "  interrupted           10/20  50%  f  stopped at iteration 10\n"
        "  waiting                0/20   0%  g\n"
        "  waiting                           h\n"
    )


def test_a_cut_sweep_is_told_how_to_go_on(radexp, study):
    outcome = radexp("status", "runs=outputs/s")
    lines = outcome.out.splitlines()
    assert lines[1].startswith("  cut                    5/20  25%  a  last written ")
    assert lines[-1] == (
        "nothing runs; the command that asked for the 4 left, given again, goes on"
    )


@pytest.mark.parametrize(("name", "status"), [("b", 0), ("c", 1), ("d", 1), ("e", 1), ("f", 0)])
def test_one_job_and_the_exit_status_of_its_state(radexp, study, name, status):
    outcome = radexp("status", f"runs=outputs/s/{name}")
    assert outcome.status == status
    assert outcome.out.startswith("outputs/s: 1 job: 1 ")
    one = "nothing runs; the command that asked for it, given again, goes on\n"
    assert outcome.out.endswith(one) == (name == "f")


def test_several_studies_are_several_tables(radexp, cwd, study):
    other = cwd / "outputs/deeper/t/x"
    other.mkdir(parents=True)
    (other / "config.yaml").write_text("training: 3")
    write_summary(other, {"status": "completed", "iterations_done": 4})
    tables = radexp("status").out.split("\n\n")
    assert (
        tables[0] == "outputs/deeper/t: 1 job: 1 completed\n  completed               4/?   0%  x"
    )
    assert tables[1].startswith("outputs/s: 8 jobs: ")
    assert radexp("status", "runs=[outputs/s,outputs/deeper]").out.startswith("outputs/s: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs=nowhere"], "nowhere: no jobs in it; allowed is a folder that radexp train, tune"),
        ([], "outputs: no jobs in it"),
        (["runs=[]"], "runs=[]: allowed is at least one folder; try runs=outputs"),
        (["watch=0"], "watch=0.0: allowed is above 0 and up to 86400 seconds; try watch=10"),
        (["watch=nan"], "watch=nan: allowed is above 0"),
        (["watch=soon"], "watch=soon: "),
        (["every=3"], "every=3: allowed is KEY=VALUE with a key of runs, watch"),
    ],
)
def test_what_is_impossible_is_one_line(radexp, cwd, words, message):
    outcome = radexp("status", *words)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"radexp: {message}")
    assert outcome.err.count("\n") == 1
    assert not list(cwd.iterdir())


def test_a_folder_out_of_reach_is_one_line(radexp, cwd, study, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(module, "jobs_of", refuse)
    outcome = radexp("status")
    assert outcome.status == 2
    assert outcome.err.startswith("radexp: outputs: it cannot be read (Permission denied); allowed")


def test_names_are_told_without_what_a_terminal_obeys_or_cannot_encode(tmp_path):
    study = tmp_path / os.fsdecode(b"s\xff\x1b[2J")
    job = study / os.fsdecode(b"a\xfe\x1b]0;b\x07c")
    job.mkdir(parents=True)
    (job / "config.yaml").write_text("training: {iterations: 20}")
    ((place, states),) = look([study]).items()
    text = module.describe_study(place, states)
    assert text.encode()  # surrogates would raise
    assert text.startswith(f"{tmp_path}/s [2J: 1 job: 1 cut\n")
    assert "  a ]0;b c  last written " in text


def test_help_and_completion(radexp, monkeypatch):
    assert "status " in radexp("--help").out
    monkeypatch.setenv("COMP_LINE", "radexp st")
    assert "status" in radexp("--shell-completion", "query=bash").out.split()
    outcome = radexp("status", "--help")
    assert outcome.status == 0
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert all(state in outcome.out for state in module.STATES)


def test_watching_ends_when_nothing_is_left(radexp, study, monkeypatch):
    def end(seconds):
        assert seconds == 0.25
        for name in ("a", "g", "h"):
            (study / name).mkdir(exist_ok=True)
            write_summary(study / name, {"status": "completed"})

    monkeypatch.setattr(module.time, "sleep", end)
    outcome = radexp("status", "watch=0.25")
    assert outcome.status == 1
    assert outcome.out.count("outputs/s: 8 jobs: ") == 2
    assert "outputs/s: 8 jobs: 4 completed, 1 diverged" in outcome.out
    assert "\x1b" not in outcome.out


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_sweep_is_seen_from_another_process_also_after_its_command_was_killed(radexp, cwd, tiny):
    long = [word for word in tiny if "iterations" not in word]
    words = ["train", "-m", *long, "training.iterations=100000", "seed=0,1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "radexp.cli", *words],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: list(cwd.glob("outputs/train/*/metrics.csv")), process)
        during = [state.state for state in look([cwd / "outputs"])[cwd / "outputs/train"]]
        assert during == ["running", "waiting"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    outcome = radexp("status")
    assert outcome.status == 0
    assert outcome.out.startswith("outputs/train: 2 jobs: 1 waiting, 1 cut\n")
    assert outcome.out.endswith("the 2 left, given again, goes on\n")
