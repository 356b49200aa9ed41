"""The folder of a run: one process at a time, its record, and clear words."""

import errno
import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sealed import edit_summary

import radexp.experiments.folder as module
from radexp.data import Split
from radexp.errors import UsageError
from radexp.experiments import execute, make_plan, run_path
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
        (b"[" * 100_000, "it cannot be read (RecursionError)"),
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


@pytest.mark.parametrize(
    ("contents", "kind"),
    [(b"\xff", "UnicodeDecodeError"), (b"{" * 5000, "RecursionError"), (b"a: [", "ParserError")],
)
def test_a_damaged_configuration_is_refused(contents, kind, tmp_path):
    (tmp_path / "config.yaml").write_bytes(contents)
    message = rf"config\.yaml: it cannot be read \({kind}\); allowed is the folder of a run"
    with pytest.raises(UsageError, match=message):
        RunFolder(tmp_path).read_config()


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
def test_lost_rows_are_put_back_from_the_checkpoint(kept, plan_for):
    plan = plan_for("training.checkpoint_every=5")
    execute(plan)
    folder = RunFolder(run_path(plan))
    whole = folder.metrics.read_bytes()
    (run_path(plan) / "summary.json").unlink()
    if kept is None:
        folder.metrics.unlink()
    else:
        folder.metrics.write_bytes(whole[:kept])
    assert execute(plan)["status"] == "completed"
    assert folder.metrics.read_bytes() == whole


def edit_loss(summary):
    values = json.loads(summary.read_text())
    summary.write_text(json.dumps({**values, "final_train_loss": 0.0}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edit_loss, "it is not as it was written"),
        (lambda path: (path.parent / "metrics.csv").unlink(), "metrics.csv, of which it tells, is"),
        (
            lambda path: (path.parent / "metrics.csv").open("a").write(" "),
            "metrics.csv, of which it tells, is not as it was written",
        ),
        (
            lambda path: (path.parent / "environment.json").write_text("{}"),
            "environment.json, of which it tells, is not as it was written",
        ),
    ],
    ids=["edited", "no-rows", "rows", "environment"],
)
def test_a_record_that_is_not_as_it_was_written_is_refused_and_can_be_mended(
    damage, message, plan_for
):
    plan = plan_for()
    before = execute(plan)
    damage(run_path(plan) / "summary.json")
    with pytest.raises(UsageError, match=f"summary.json: {message}.*; allowed is .* delete the f"):
        execute(plan)
    (run_path(plan) / "summary.json").unlink()
    assert execute(plan) == before


def test_a_record_of_an_earlier_version_is_refused_with_words_of_its_own(tmp_path):
    (tmp_path / "summary.json").write_text('{"status": "completed"}')
    message = (
        "summary.json: it has no seal: it was written by an earlier version of radexp, or is "
        "damaged; allowed is the JSON that radexp wrote; keep the folder and set output=FOLDER, or "
        "delete it to run anew$"
    )
    with pytest.raises(UsageError, match=message):
        RunFolder(tmp_path).read_summary()


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", ["metrics.csv", "config.yaml", "environment.json"])
def test_files_of_an_interrupted_run_are_put_right(name, damage, plan_for):
    plan = plan_for()
    execute(plan)
    path = run_path(plan) / name
    whole = path.read_bytes()
    edit_summary(run_path(plan), status="interrupted")
    damage(path)
    assert execute(plan)["status"] == "completed"
    assert path.read_bytes() == whole


def test_an_edited_record_of_an_interrupted_run_is_refused(plan_for):
    plan = plan_for()
    execute(plan)
    edit_summary(run_path(plan), status="interrupted")
    edit_loss(run_path(plan) / "summary.json")
    with pytest.raises(UsageError, match=r"summary.json: it is not as it was written; allowed is"):
        execute(plan)


def test_other_data_are_refused_for_a_complete_run_and_for_one_that_goes_on(plan_for):
    plan = plan_for()
    execute(plan)
    data = plan.workload.dataset
    other = replace(data, train=Split(-data.train.inputs, data.train.labels), source_sha256=None)
    changed = make_plan(plan.config, other)
    assert changed.run_id == plan.run_id
    message = "its data were of SHA-256 .*; allowed are the same, now they are of .*; give the data"
    for _ in range(2):
        with pytest.raises(UsageError, match=message):
            execute(changed)
        (run_path(plan) / "summary.json").unlink(missing_ok=True)
    assert execute(plan)["status"] == "completed"


def test_what_the_log_cannot_hold_is_left_out_in_silence(tmp_path, capsys):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no disk that is always full")
    folder = RunFolder(tmp_path)
    folder.log.symlink_to(full)
    with folder.logging():
        logging.getLogger("radexp").info("nobody hears this")
        logging.getLogger("radexp").warning("somebody does")
    assert capsys.readouterr().err == "radexp: somebody does\n"


def test_json_has_null_for_what_is_not_finite(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_json("a.json", {"a": float("nan"), "b": {"c": float("inf"), "d": 1.5}})
    text = (tmp_path / "a.json").read_text()
    assert text == '{\n  "a": null,\n  "b": {\n    "c": null,\n    "d": 1.5\n  }\n}\n'


def test_no_summary_is_none(tmp_path):
    assert RunFolder(tmp_path).read_summary() is None
