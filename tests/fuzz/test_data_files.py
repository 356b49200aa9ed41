"""Data files from outside: parsed whole or refused in one line; archives make what they should."""

import gzip
import io
import tarfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.cases import cases
from fuzz.command_line import check
from fuzz.hostile import BYTES, damage_bytes
from radexp.data import cifar10, idx, mnist
from radexp.data.archive import extract
from radexp.errors import UsageError

END = st.one_of(st.none(), st.integers(0, 300))
MEMBERS = {"top/a.bin": "a.bin", "top/b.bin": "b.bin"}
MOST = 6
KINDS = (
    *(tarfile.REGTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE),
    *(tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, b"L", b"x", b"z"),
)
NAMES = (*MEMBERS, *MEMBERS, "../escaped", "/absolute", "top/../../escaped", "top/a.bin/", "x" * 90)
MEMBER = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(KINDS),
    st.binary(max_size=MOST + 2),
    st.sampled_from(["", "/etc/passwd", "../../x", "top/a.bin"]),
)


def refused_in_one_line(act, *given_to):
    """Call a function; if it refuses, then in one line."""
    try:
        return act(*given_to)
    except UsageError as error:
        lines = str(error).splitlines()
    assert len(lines) == 1
    return None


def packed(members):
    """Return a tar archive with members of any kind, not yet packed with gzip."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, content, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def huge_header():
    """Return a member whose header gives more bytes than any file may have."""
    whole = bytearray(packed([("other", tarfile.REGTYPE, b"", "")]))
    whole[124:136] = b"\x80" + b"\x7f" * 11  # the size, in base 256
    whole[148:156] = b" " * 8
    whole[148:156] = b"%06o\0 " % sum(whole[:512])
    return bytes(whole)


@cases(500)
@given(st.lists(MEMBER, max_size=4), BYTES, END, BYTES)
def test_archives(tmp_path_factory, members, changes, end, packed_changes):
    whole = damage_bytes(packed(members), [(place % 1024, byte) for place, byte in changes], None)
    unpack(tmp_path_factory.mktemp("tar"), damage_bytes(gzip.compress(whole), packed_changes, end))


def unpack(folder, content):
    """Unpack an archive; check that nothing but small regular files appeared, and where."""
    (folder / "archive").write_bytes(content)
    refused_in_one_line(extract, folder / "archive", MEMBERS, folder / "out", MOST)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert there <= {"archive", "out", "out/a.bin", "out/b.bin"}
    for path in folder.glob("out/*"):
        assert not path.is_symlink()
        assert path.stat().st_size <= MOST
        assert path.stat().st_nlink == 1


def test_an_archive_with_a_huge_header(tmp_path):
    unpack(tmp_path, gzip.compress(huge_header()))


@cases(300)
@given(st.binary(max_size=60), BYTES, END)
@example(bytes(2**20), [], None)
def test_packed_files(tmp_path_factory, contents, changes, end):
    path = tmp_path_factory.mktemp("gz") / "file.gz"
    path.write_bytes(damage_bytes(gzip.compress(contents), changes, end))
    found = refused_in_one_line(idx.read_contents, path)
    assert found is None or isinstance(found, bytes)


def test_a_small_file_cannot_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "MAX_BYTES", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(UsageError, match="allowed is at most 1000 bytes unpacked"):
        idx.read_contents(tmp_path / "bomb.gz")


GOOD = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 3, 4)) + bytes(24)


@cases(500)
@given(BYTES, END, st.binary(max_size=3))
def test_idx_files(changes, end, more):
    found = refused_in_one_line(idx.parse_idx, damage_bytes(GOOD, changes, end) + more, "file")
    assert found is None or found.numel() <= len(GOOD) + 3


@cases(20)
@given(st.binary(max_size=9), st.integers(-2, 2))
def test_cifar_records(content, more):
    whole = cifar10.NUM_RECORDS * cifar10.RECORD_BYTES
    repeated = (content or b"\0") * (whole // max(1, len(content)) + 1)
    found = refused_in_one_line(cifar10.parse_records, repeated[: whole + more], "file")
    assert (found is not None) == (more == 0)


@cases(40)
@given(st.sampled_from(["mnist", "cifar10", "sequential_mnist"]), st.binary(max_size=40))
def test_a_folder_of_noise(empty, tmp_path_factory, name, noise):
    root = tmp_path_factory.mktemp("root")
    for file in (*mnist.CONTENTS, *cifar10.CONTENTS):
        (root / file).write_bytes(noise)
    assert not check(["train", f"data={name}", f"data.root={root}"], empty)
