"""Where a job is, from its folder alone: each state once, and at no moment a wrong one."""

import fcntl
import os
import threading
import time

import pytest
from filelock import FileLock
from sealed import write_summary

from radexp.reporting import job_state
from radexp.reporting.job_list import AskedJob
from radexp.reporting.job_state import JobState, is_held, last_row, read_state

JOB = AskedJob("a", "run", 20)
ROW = "5,200,0.5,batch,0.25,0.5,0.1,3.0\n"
HEAD = "iteration,examples_seen,train_seconds,split,loss,accuracy,learning_rate,gradient_norm\n"


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a run that has begun, and written two rows."""
    path = tmp_path / "a"
    path.mkdir()
    (path / "config.yaml").write_text("training: {iterations: 20}")
    (path / "metrics.csv").write_text(f"{HEAD}0,0,0.0,train,2.5,0.1,0.1,\n{ROW}")
    (path / ".lock").touch()
    return path


def test_what_has_no_configuration_waits(tmp_path):
    assert read_state(tmp_path, JOB) == JobState(JOB, "waiting")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.lock").touch()
    assert read_state(tmp_path, JOB) == JobState(JOB, "waiting")


def test_what_is_held_runs(folder):
    with FileLock(folder / ".lock"):
        state = read_state(folder.parent, JOB)
        unknown = read_state(folder.parent, AskedJob("a", "run", 0))
        (folder / "metrics.csv").unlink()
        silent = read_state(folder.parent, JOB)
    # 5 steps took 0.5 s, so 15 take 1.5 s.
    assert state == JobState(JOB, "running", 5, "batch loss 0.25, about 2 s left")
    assert unknown.note == "batch loss 0.25"
    assert silent == JobState(JOB, "running")


def test_what_nobody_holds_and_has_no_record_was_cut(folder):
    os.utime(folder / "metrics.csv", (time.time() - 180,) * 2)
    os.utime(folder / "config.yaml", (time.time() - 400,) * 2)
    assert read_state(folder.parent, JOB) == JobState(JOB, "cut", 5, "last written 3 min ago")


def test_a_lock_that_cannot_be_asked_is_said(folder, monkeypatch):
    def refuse(file, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(job_state.fcntl, "flock", refuse)
    os.utime(folder / "metrics.csv", (time.time() - 7200,) * 2)
    os.utime(folder / "config.yaml", (time.time() - 7200,) * 2)
    note = "its lock cannot be asked; last written 2.0 h ago"
    assert read_state(folder.parent, JOB) == JobState(JOB, "unknown", 5, note)


@pytest.mark.parametrize("status", job_state.STATUSES)
def test_a_record_is_told_with_its_message_in_one_line(folder, status):
    record = {"status": status, "message": "no\nmemory", "iterations_done": 7}
    write_summary(folder, record)
    assert read_state(folder.parent, JOB) == JobState(JOB, status, 7, "no memory")


@pytest.mark.parametrize("text", ["{", "[]", '{"status": "fine"}'])
def test_a_damaged_record_is_a_failure_and_says_why(folder, text):
    (folder / "summary.json").write_text(text)
    state = read_state(folder.parent, JOB)
    assert (state.state, state.iteration) == ("failed", 5)
    assert "summary.json: " in state.note


def test_a_held_job_whose_record_is_of_before_runs(folder):
    write_summary(folder, {"status": "interrupted"})
    (folder / "config.yaml").write_text("")
    assert read_state(folder.parent, JOB).state == "failed"
    with FileLock(folder / ".lock"):
        state = read_state(folder.parent, JOB)
    assert state == JobState(JOB, "running", 5, "batch loss 0.25, about 2 s left")


def test_a_job_that_resumes_while_its_record_is_read_runs(folder, monkeypatch):
    (folder / "summary.json").write_text("{")
    answers = [False, True]
    monkeypatch.setattr(job_state, "is_held", lambda folder: answers.pop(0))
    assert read_state(folder.parent, JOB).state == "running"


@pytest.mark.parametrize(
    ("text", "iteration"),
    [
        (HEAD + ROW, 5),
        (HEAD + ROW + "10,4", 5),
        (HEAD + ROW * 100, 5),
        (HEAD, None),
        ("x\ny\n", None),
        ("5,200,fast,batch,0.25,0.5,0.1,3.0\n", None),
        ("\xff\n", None),
        ("", None),
    ],
)
def test_the_last_whole_row(tmp_path, text, iteration):
    assert last_row(tmp_path) is None
    (tmp_path / "metrics.csv").write_text(text, encoding="latin-1")
    row = last_row(tmp_path)
    assert (row and row.iteration) == iteration


def test_asking_changes_nothing_and_lets_others_ask(folder):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    with (folder / ".lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert is_held(folder) is False
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert is_held(folder.parent) is False


def test_a_job_that_ends_or_starts_while_asked_is_never_cut(folder):
    """Let a job be resumed again and again: it drops and writes its record under its lock."""
    stop, seen = threading.Event(), []
    write_summary(folder, {"status": "interrupted"})
    text = (folder / "summary.json").read_text()

    def work():
        while not stop.is_set():
            with FileLock(folder / ".lock"):
                (folder / "summary.json").unlink()
                time.sleep(0.001)
                (folder / "summary.json.partial").write_text(text)
                (folder / "summary.json.partial").replace(folder / "summary.json")
            time.sleep(0.001)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < 2 or (len(set(seen)) < 2 and waited < 60):
            seen.append(read_state(folder.parent, JOB).state)
    finally:
        stop.set()
        worker.join()
    assert set(seen) == {"running", "interrupted"}
