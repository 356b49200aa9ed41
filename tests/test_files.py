"""Files: the old one or the new one, never a part, and nothing else is left."""

import pytest

from radexp.files import sync_folder, write_atomically


def test_a_failing_writer_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    write_atomically(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_can_be_kept(tmp_path):
    path, kept = tmp_path / "file", tmp_path / "kept"
    for contents in (b"first", b"second", b"third"):
        keep_as = kept if path.exists() else None
        write_atomically(path, lambda file, contents=contents: file.write(contents), keep_as)
    assert (path.read_bytes(), kept.read_bytes()) == (b"third", b"second")


def test_a_folder_that_is_gone_needs_no_syncing(tmp_path):
    sync_folder(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
