"""Files into a folder: all or none, and clear words where they cannot be written."""

import errno
import os

import pytest

import radexp.experiments.writing as module
from radexp.errors import UsageError
from radexp.experiments.writing import make_folder, ready_to_write, write_files


def refuses(number):
    """Return a function that fails as the system does."""

    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


NAMES = ("a.csv", "b.csv")


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_written_and_nothing_else_is_left(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"old and longer")
    with ready_to_write(tmp_path, NAMES):
        write_files(tmp_path, {"a.csv": b"new a", "b.csv": b""})
    assert contents_of(tmp_path) == {"a.csv": b"new a", "b.csv": b""}


@pytest.mark.parametrize("failing", [1, 2])
def test_a_failure_half_way_leaves_the_old_files_as_they_were(failing, tmp_path, monkeypatch):
    old, calls, write = {"a.csv": b"old a", "b.csv": b"old b"}, [], module.write_atomically
    write_files(tmp_path, old)

    def disk_fills_up(path, content):
        calls.append(path)
        write(path, refuses(errno.ENOSPC) if len(calls) == failing else content)

    monkeypatch.setattr(module, "write_atomically", disk_fills_up)
    message = (
        r"output folder .*: it cannot be written \(No space left on device\); allowed is a disk "
        "with room left; make room, or set output=FOLDER"
    )
    with pytest.raises(UsageError, match=message):
        write_files(tmp_path, {"a.csv": b"new a", "b.csv": b"new b"})
    assert len(calls) == failing
    assert contents_of(tmp_path) == old


@pytest.mark.parametrize("there", ["", "kept", "kept/too"])
def test_work_that_fails_leaves_no_folder_that_was_made_for_it(there, tmp_path):
    (tmp_path / there).mkdir(parents=True, exist_ok=True)
    before, folder = sorted(tmp_path.rglob("*")), tmp_path / "kept/too/new"

    def stopped():
        assert folder.is_dir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), ready_to_write(folder, NAMES):
        stopped()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_with_files_of_others_stays_if_the_work_fails(tmp_path):
    def failed():
        (tmp_path / "new/file").write_text("of another process")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), ready_to_write(tmp_path / "new", NAMES):
        failed()
    assert (tmp_path / "new/file").is_file()


def test_a_read_only_folder_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TemporaryFile", refuses(errno.EROFS))
    message = (
        r"output folder .*new: it cannot be written \(Read-only file system\); allowed is a "
        "folder of yours; set output=FOLDER"
    )
    with pytest.raises(UsageError, match=message), ready_to_write(tmp_path / "new", NAMES):
        pytest.fail("the work began")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused_before_the_work(tmp_path):
    (tmp_path / "b.csv").mkdir()
    message = "b.csv: a folder is where a file shall be: allowed is a file; move it or set output="
    with pytest.raises(UsageError, match=message), ready_to_write(tmp_path, NAMES):
        pytest.fail("the work began")
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused(name, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    message = "it cannot be written .*; allowed is a folder of yours; set output=FOLDER"
    with pytest.raises(UsageError, match=message):
        make_folder(tmp_path / name)
    with pytest.raises(UsageError, match=message), ready_to_write(tmp_path / name, NAMES):
        pytest.fail("the work began")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
