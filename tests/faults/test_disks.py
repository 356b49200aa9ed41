"""A full disk and one that cannot be written: one clear line, and the same numbers later."""

import json
import subprocess

import pytest
from harness import RUNS, rows_of

WORDS = (*RUNS["mlp"], "model.hidden=[200]")  # a checkpoint of 180 kB
SWEEP = ("train", "-m", *RUNS["mlp"][1:], "model.hidden=[8],[200]", "seed=0,1")
FULL = "No space left on device); allowed is a disk with room left; make room, or set output="


def mount(folder, *options):
    """Mount over a folder, or skip."""
    folder.mkdir(exist_ok=True)
    words = ["mount", *options, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting takes rights that are not there: {done.stderr.strip()}")


@pytest.fixture
def small_disk(commands):
    """Put a disk of half a megabyte where the command writes; return what makes it larger."""
    folder = commands.cwd / "outputs"
    mount(folder, "-t", "tmpfs", "-o", "size=512k", "tmpfs")
    words = ["mount", "-o", "remount,size=32m", str(folder)]
    yield lambda: subprocess.run(words, check=True)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def disk_read_only(commands):
    """Make where the command writes read-only; return what makes it so."""
    folder = commands.cwd / "outputs"
    mount(folder, "-t", "tmpfs", "tmpfs")
    yield lambda: subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def summaries(commands):
    paths = commands.cwd.glob("outputs/*/*/summary.json")
    return [json.loads(path.read_text()) for path in paths]


def test_a_disk_that_is_full_for_a_checkpoint(commands, undisturbed, small_disk):
    ended = commands.run(*WORDS)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert FULL in ended.err
    (summary,) = summaries(commands)
    assert summary["status"] == "failed"
    assert FULL in summary["message"]
    assert not list(commands.cwd.rglob("*.partial"))
    small_disk()
    ended = commands.run(*WORDS)
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*WORDS)


@pytest.mark.parametrize("blocks", [0, 1, 2, 3, 4, 6, 8, 12, 20])
def test_a_disk_that_is_full_from_any_file_on(commands, undisturbed, small_disk, blocks):
    folder, words = commands.cwd / "outputs", RUNS["mlp"]
    with (folder / "of others").open("wb") as file:
        file.write(bytes((126 - blocks) * 4096))
    ended = commands.run(*words)
    assert ended.status in (0, 2)
    assert ended.err.count("\n") == (ended.status != 0)
    assert "Traceback" not in ended.err
    assert not list(commands.cwd.rglob("*.partial"))
    assert blocks > 4 or ended.status == 2
    small_disk()
    ended = commands.run(*words)
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*words)


@pytest.mark.parametrize("blocks", [0, 2])
def test_a_sweep_is_refused_where_there_is_no_room_at_all(commands, small_disk, blocks):
    with (commands.cwd / "outputs/of others").open("wb") as file:
        file.write(bytes((126 - blocks) * 4096))
    ended = commands.run(*SWEEP)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert FULL in ended.err


def test_a_sweep_goes_on_with_the_runs_that_fit(commands, undisturbed, small_disk):
    ended = commands.run(*SWEEP)
    assert ended.status == 1
    assert "Traceback" not in ended.err
    assert ended.err.count(FULL) == ended.err.count("radexp: failed: outputs/train/mlp-") == 2
    assert sorted(summary["status"] for summary in summaries(commands)) == [
        *("completed", "completed", "failed", "failed")
    ]
    small_disk()
    ended = commands.run(*SWEEP)
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*SWEEP)


def test_a_file_that_may_not_grow(commands, undisturbed):
    """What a quota does, without rights to mount: no file may be larger than 100 kB."""
    ended = commands.run(*WORDS, limit_bytes=100_000)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert "it cannot be written (File too large)" in ended.err
    assert not list(commands.cwd.rglob("*.partial"))
    (summary,) = summaries(commands)
    assert summary["status"] == "failed"
    ended = commands.run(*WORDS)
    assert (ended.status, ended.err) == (0, "")
    assert rows_of(commands.cwd) == undisturbed(*WORDS)


@pytest.mark.parametrize("before", ["nothing", "half", "all"])
def test_a_disk_that_cannot_be_written_is_told_in_one_line(
    commands, undisturbed, disk_read_only, before
):
    words = RUNS["mlp"]
    if before == "half":
        commands.run(*words, plan=True, die_at=25)
    if before == "all":
        commands.run(*words)
    disk_read_only()
    kept = {path: path.read_bytes() for path in commands.cwd.rglob("*") if path.is_file()}
    for command in (words, SWEEP):
        ended = commands.run(*command)
        assert ended.status == 2
        assert ended.err.count("\n") == 1
        assert "it cannot be written (Read-only file system); allowed is a folder" in ended.err
    now = {path: path.read_bytes() for path in commands.cwd.rglob("*") if path.is_file()}
    assert now == kept
    folder = commands.cwd / "outputs"
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    assert commands.run(*words).status == 0
    assert rows_of(commands.cwd) == undisturbed(*words)
