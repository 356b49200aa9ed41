"""The folder of a run: one process at a time, its record, and clear words."""

import errno
import fcntl
import os
import subprocess
import sys
import threading

import pytest

import radexp.experiments.folder as module
from radexp.errors import UsageError
from radexp.experiments import execute, run_path
from radexp.experiments.folder import RunFolder
from radexp.training import save_checkpoint

HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def refuses(number):
    """Return a function that fails as the system does."""

    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def held():
    """Return a function that lets another process lock a folder until the test ends."""
    holders = []

    def hold(folder):
        folder.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-c", HOLD, str(folder / ".lock")]
        holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holders.append(holder)
        assert holder.stdout.readline() == b"held\n"
        return holder

    yield hold
    for holder in holders:
        holder.communicate()


def test_a_locked_folder_is_refused(plan_for, held):
    plan = plan_for()
    holder = held(run_path(plan))
    message = (
        "run folder .*: another process is writing it; allowed is one at a time; wait for it, or "
        "change output or seed"
    )
    with pytest.raises(UsageError, match=message):
        execute(plan)
    assert [path.name for path in run_path(plan).iterdir()] == [".lock"]
    holder.kill()
    holder.wait()
    assert execute(plan)["status"] == "completed"


def test_a_question_about_the_lock_keeps_no_job_out(tmp_path):
    (tmp_path / ".lock").touch()
    asking = (tmp_path / ".lock").open("rb")
    fcntl.flock(asking, fcntl.LOCK_SH)
    threading.Timer(0.2, asking.close).start()
    with RunFolder(tmp_path).locked():
        assert asking.closed


def test_a_locked_folder_ends_the_command_with_status_2(plan_for, held, radexp, tiny, tmp_path):
    held(run_path(plan_for()))
    outcome = radexp("train", *tiny, f"output={tmp_path / 'outputs'}")
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert "another process is writing it" in outcome.err


def test_a_foreign_checkpoint_is_refused(plan_for, radexp, tiny, tmp_path):
    plan = plan_for()
    run_path(plan).mkdir(parents=True)
    save_checkpoint(run_path(plan) / "checkpoint.pt", {"config_hash": "0123456789"})
    with pytest.raises(UsageError, match=r"it is from another configuration \(0123456789\)"):
        execute(plan)
    outcome = radexp("train", *tiny, f"output={tmp_path / 'outputs'}")
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert "it is from another configuration (0123456789); allowed is one of" in outcome.err


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "it cannot be read (JSONDecodeError)"),
        (b'{"status": "comp', "it cannot be read (JSONDecodeError)"),
        (b"\xff\xfe\x00", "it cannot be read (UnicodeDecodeError)"),
        (b"[]", "it has no status"),
        (b"{}", "it has no status"),
        (b'{"status": 3}', "it has no status"),
        (None, "it cannot be read (IsADirectoryError)"),
    ],
)
def test_a_damaged_summary_is_refused(contents, message, plan_for, radexp, tiny, tmp_path):
    plan = plan_for()
    summary = run_path(plan) / "summary.json"
    run_path(plan).mkdir(parents=True)
    summary.mkdir() if contents is None else summary.write_bytes(contents)
    outcome = radexp("train", *tiny, f"output={tmp_path / 'outputs'}")
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert f"{message}; allowed is the JSON that radexp wrote; delete the file" in outcome.err


@pytest.mark.parametrize("study", ["train", "deep"])
def test_a_folder_below_a_file_is_refused(study, plan_for, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    plan = plan_for(f"output={tmp_path / 'file'}", f"study={study}")
    message = (
        r"output folder .*: it cannot be written \(Not a directory\); allowed is a folder of "
        "yours; set output=FOLDER"
    )
    with pytest.raises(UsageError, match=message):
        execute(plan)


def test_a_lock_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module.FileLock, "acquire", refuses(errno.EROFS))
    message = r"output folder .*: it cannot be written \(Read-only file system\); allowed is"
    with pytest.raises(UsageError, match=message), RunFolder(tmp_path).locked():
        pass


@pytest.mark.parametrize("kept", [None, 10])
def test_lost_rows_are_told_and_the_mend_works(kept, plan_for):
    plan = plan_for("training.checkpoint_every=5")
    execute(plan)
    folder = RunFolder(run_path(plan))
    (run_path(plan) / "summary.json").unlink()
    if kept is None:
        folder.metrics.unlink()
    else:
        folder.metrics.write_bytes(folder.metrics.read_bytes()[:kept])
    with pytest.raises(UsageError, match="rows that the checkpoint builds on are missing; allowed"):
        execute(plan)
    folder.checkpoint.unlink()
    assert execute(plan)["status"] == "completed"


def test_json_has_null_for_what_is_not_finite(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_json("a.json", {"a": float("nan"), "b": {"c": float("inf"), "d": 1.5}})
    text = (tmp_path / "a.json").read_text()
    assert text == '{\n  "a": null,\n  "b": {\n    "c": null,\n    "d": 1.5\n  }\n}\n'


def test_no_summary_is_none(tmp_path):
    assert RunFolder(tmp_path).read_summary() is None
