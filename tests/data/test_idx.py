"""IDX files: every defect is one clear UsageError, everything else the right array."""

import gzip
import math
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from radexp.data import idx
from radexp.data.idx import parse_idx, read_contents
from radexp.errors import UsageError


def encode(sizes: list[int], payload: bytes) -> bytes:
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + payload


GOOD = encode([2, 3], bytes(range(6)))


def test_array_is_read():
    array = parse_idx(GOOD, "good")
    assert array.dtype == torch.uint8
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "bad: starts with nothing: expected is 00 00 08 and 01 to 04"),
        (b"\x00\x00\x08", "bad: starts with 00 00 08: expected is"),
        (b"\x1f\x8b" + GOOD, "bad: starts with 1f 8b 00 00: expected is"),
        (b"\x00\x00\x0d" + GOOD[3:], "bad: starts with 00 00 0d 02: expected is"),
        (encode([], b"\x07"), "bad: starts with 00 00 08 00: expected is"),
        (encode([1] * 5, b"\x07"), "bad: starts with 00 00 08 05: expected is"),
        (GOOD[:4], "bad: its header holds nothing: expected are 2 sizes of 4 bytes"),
        (GOOD[:11], "bad: its header holds .* expected are 2 sizes of 4 bytes, each at least 1"),
        (encode([0, 3], b""), "bad: its header holds 00000000 00000003: expected are 2 sizes"),
        (GOOD[:-1], "bad: has 17 bytes: expected are 18, as its header says 2 x 3; download"),
        (GOOD + b"\x00", "bad: has 19 bytes: expected are 18"),
        (encode([2**32 - 1] * 4, b""), "bad: has 20 bytes: expected are 34028236"),
    ],
)
def test_defects_are_explained(contents, message):
    with pytest.raises(UsageError, match=message) as caught:
        parse_idx(contents, "bad")
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_noise_is_refused_or_read(noise):
    check_fuzzed(noise)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1)), max_size=6),
    st.binary(max_size=32),
)
def test_any_header_is_refused_or_read(sizes, payload):
    check_fuzzed(encode(sizes, payload))


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_every_whole_array_is_read(sizes, data):
    payload = data.draw(st.binary(min_size=math.prod(sizes), max_size=math.prod(sizes)))
    array = parse_idx(encode(sizes, payload), "good")
    assert list(array.shape) == sizes
    assert bytes(array.flatten().tolist()) == payload


def check_fuzzed(contents: bytes) -> None:
    try:
        array = parse_idx(contents, "fuzz")
    except UsageError:
        return
    assert encode(list(array.shape), bytes(array.flatten().tolist())) == contents


@pytest.mark.parametrize(("name", "pack"), [("a", bytes), ("a.gz", gzip.compress)])
def test_contents_are_read_packed_or_not(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(GOOD))
    assert read_contents(tmp_path / name) == GOOD


@pytest.mark.parametrize(
    "packed",
    [
        GOOD,
        gzip.compress(GOOD)[:-9],
        gzip.compress(GOOD) + b"more",
        gzip.compress(GOOD)[:10] + b"\xff" * 20,
    ],
    ids=["not gzip", "truncated", "trailing", "garbled"],
)
def test_damaged_gzip_is_explained(tmp_path, packed):
    (tmp_path / "bad.gz").write_bytes(packed)
    message = r"bad\.gz: damaged \(.*expected is a whole gzip file; download the file again, or"
    with pytest.raises(UsageError, match=message):
        read_contents(tmp_path / "bad.gz")


@settings(deadline=None)
@given(st.binary(max_size=64), st.integers(0, 40))
def test_fuzzed_gzip_is_refused_or_read(tmp_path_factory, noise, cut):
    path = tmp_path_factory.getbasetemp() / "fuzz.gz"
    path.write_bytes(gzip.compress(GOOD)[:cut] + noise)
    try:
        contents = read_contents(path)
    except UsageError:
        return
    assert isinstance(contents, bytes)


@pytest.mark.parametrize("name", ["missing", "missing.gz", "."])
def test_unreadable_files_are_explained(tmp_path, name):
    with pytest.raises(UsageError, match=r"cannot be read \(.*\): expected is a readable file"):
        read_contents(tmp_path / name)


def test_a_small_file_cannot_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "MAX_BYTES", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1001)))
    with pytest.raises(UsageError, match=r"bomb\.gz: allowed is at most 1000 bytes unpacked"):
        read_contents(tmp_path / "bomb.gz")
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1000)))
    assert len(read_contents(tmp_path / "bomb.gz")) == 1000
