"""Only the expected regular files leave an archive, whole or not at all."""

import gzip
import io
import re
import tarfile

import pytest

from radexp.data.archive import extract
from radexp.errors import UsageError

MEMBERS = {"top/a.bin": "a.bin", "top/b.bin": "b.bin"}
MEND = "delete it and download it again"


def member(name, contents=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(contents)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, contents


def pack(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for info, contents in members:
            tar.addfile(info, io.BytesIO(contents))
    return path


A, B = member("top/a.bin", b"first"), member("top/b.bin", b"second")


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_expected_is_unpacked_and_nothing_else(tmp_path):
    others = [
        *(member("top/readme", b"x"), member("../escaped", b"x"), member("/absolute", b"x")),
        *(member("a.bin", b"not this"), member("top", type=tarfile.DIRTYPE)),
        member("top/link", type=tarfile.SYMTYPE, linkname="/etc"),
    ]
    archive = pack(tmp_path / "archive", *others, B, A)
    extract(archive, MEMBERS, tmp_path / "new" / "folder", 6)
    assert contents_of(tmp_path / "new" / "folder") == {"a.bin": b"first", "b.bin": b"second"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "new"]


def test_a_file_that_is_there_is_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.bin").write_bytes(b"rotten")
    extract(pack(tmp_path / "archive", A, B), MEMBERS, tmp_path / "out", 6)
    assert contents_of(tmp_path / "out") == {"a.bin": b"first", "b.bin": b"second"}


@pytest.mark.parametrize(
    "bad",
    [
        member("top/b.bin", b"too long"),
        member("top/b.bin", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("top/b.bin", type=tarfile.LNKTYPE, linkname="top/a.bin"),
        member("top/b.bin", type=tarfile.DIRTYPE),
        member("top/b.bin", type=tarfile.FIFOTYPE),
    ],
    ids=["long", "symbolic link", "hard link", "folder", "pipe"],
)
def test_what_is_no_file_of_the_right_size_is_refused(tmp_path, bad):
    message = f"archive: top/b.bin in it is no file of at most 6 bytes: expected is the .*; {MEND}"
    with pytest.raises(UsageError, match=message):
        extract(pack(tmp_path / "archive", A, bad), MEMBERS, tmp_path / "out", 6)
    assert contents_of(tmp_path / "out") == {"a.bin": b"first"}


def test_missing_files_are_named(tmp_path):
    message = f"archive: lacks top/b.bin: expected is the published archive; {MEND}"
    with pytest.raises(UsageError, match=message):
        extract(pack(tmp_path / "archive", A), MEMBERS, tmp_path / "out", 6)


LONG = member("top/b.bin", bytes(range(256)) * 400)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"<html>sorry</html>",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:200] + b"\xff" * 50 + whole[250:],
    ],
    ids=["empty", "page", "cut", "bytes"],
)
def test_damage_is_explained_and_no_part_of_a_file_is_left(tmp_path, damage):
    archive = pack(tmp_path / "archive", LONG, A)
    archive.write_bytes(damage(archive.read_bytes()))
    message = rf"archive: damaged \(\w+\): expected is a whole \.tar\.gz file; {MEND}$"
    with pytest.raises(UsageError, match=message):
        extract(archive, MEMBERS, tmp_path / "out", 10**6)
    left = contents_of(tmp_path / "out")
    assert left.items() <= {"b.bin": LONG[1], "a.bin": b"first"}.items()


def test_a_header_with_an_impossible_size_is_damage(tmp_path):
    with tarfile.open(tmp_path / "plain", "w") as tar:
        tar.addfile(member("other")[0])
    header = bytearray((tmp_path / "plain").read_bytes())
    header[124:136] = b"\x80" + b"\x7f" * 11  # the size, in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    (tmp_path / "archive").write_bytes(gzip.compress(bytes(header)))
    with pytest.raises(
        UsageError, match=rf"archive: damaged \(\w+\): expected is a whole .*; {MEND}"
    ):
        extract(tmp_path / "archive", MEMBERS, tmp_path / "out", 6)
    assert contents_of(tmp_path / "out") == {}


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").touch()
    message = re.escape(f"archive: cannot be unpacked into {tmp_path}/file/out (Not a directory)")
    with pytest.raises(UsageError, match=f"{message}: this needs a readable .*; check both"):
        extract(pack(tmp_path / "archive", A, B), MEMBERS, tmp_path / "file" / "out", 6)


def test_an_archive_that_is_not_there_is_explained(tmp_path):
    with pytest.raises(UsageError, match=r"absent: cannot be unpacked .*\(No such file"):
        extract(tmp_path / "absent", MEMBERS, tmp_path / "out", 6)
