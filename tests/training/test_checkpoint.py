"""Checkpoints: all or nothing on disk, no code from a file, and clear words about a bad one."""

import os
import pickle
import random
from io import BytesIO
from pathlib import Path

import pytest
import torch
from sealed import seal_checkpoint

from radexp.errors import UsageError
from radexp.training import load_checkpoint, save_checkpoint
from radexp.training.checkpoint import previous_of

STATE = {"config_hash": "abc", "trainer": {"w": torch.arange(5.0), "name": "x", "n": 3}}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, STATE)
    return path


def test_round_trip(saved):
    state = load_checkpoint(saved, "abc")
    assert torch.equal(state["trainer"].pop("w"), torch.arange(5.0))
    assert state == {"config_hash": "abc", "trainer": {"name": "x", "n": 3}}


def test_no_checkpoint_is_none(tmp_path):
    assert load_checkpoint(tmp_path / "checkpoint.pt", "abc") is None


def test_a_foreign_checkpoint_is_refused(saved):
    message = (
        r"checkpoint .*: it is from another configuration \(abc\); allowed is one of xyz; move"
    )
    with pytest.raises(UsageError, match=message):
        load_checkpoint(saved, "xyz")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def packed(value):
    buffer = BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


FOREIGN = {
    "noise": bytes(range(256)) * 20,
    "list": packed([1, 2]),
    "no-hash": packed({"trainer": {}}),
    "bomb": packed({"config_hash": "abc", "trainer": Bomb()}),
    "pickle": pickle.dumps({"config_hash": "abc", "trainer": Bomb()}),
}


@pytest.mark.parametrize("contents", FOREIGN.values(), ids=FOREIGN)
def test_what_is_sealed_and_no_checkpoint_is_refused_and_runs_no_code(
    saved, contents, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    saved.write_bytes(seal_checkpoint(contents))
    with pytest.raises(UsageError, match=r"checkpoint .*: it cannot be read \(\w+\); allowed is a"):
        load_checkpoint(saved, "abc")
    assert not (tmp_path / "exploded").exists()


def test_what_cannot_be_opened_is_refused(saved):
    saved.unlink()
    saved.mkdir()
    with pytest.raises(UsageError, match=r"it cannot be read \(IsADirectoryError\); allowed is"):
        load_checkpoint(saved, "abc")


def test_one_of_an_earlier_version_is_refused_and_kept(saved):
    saved.write_bytes(packed(STATE))
    message = (
        r"checkpoint .*: it has no seal: it was written by an earlier version of radexp, or is "
        "damaged; allowed is a file that this version wrote; keep the folder and set output=FOLDER"
    )
    with pytest.raises(UsageError, match=message):
        load_checkpoint(saved, "abc")
    assert saved.read_bytes() == packed(STATE)


def number(saved):
    """Return which of several checkpoints is read."""
    state = load_checkpoint(saved, "abc")
    return None if state is None else state["n"]


def save(path, n):
    save_checkpoint(path, {"config_hash": "abc", "n": n})


def test_two_checkpoints_are_kept(tmp_path):
    path = tmp_path / "checkpoint.pt"
    for n in range(3):
        save(path, n)
    assert number(path) == 2
    path.unlink()
    assert number(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.previous.pt"]


def test_a_damaged_one_is_told_left_out_and_never_kept_in_place_of_a_good_one(tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    for n in range(2):
        save(path, n)
    path.write_bytes(path.read_bytes()[:-1])
    assert number(path) == 0
    assert caplog.messages == [f"checkpoint {path} is damaged and left out"]
    save(path, 2)
    path.write_bytes(b"")
    assert number(path) == 0
    previous_of(path).write_bytes(b"")
    assert number(path) is None


def test_one_that_cannot_be_read_is_not_kept_and_fails_no_healthy_run(tmp_path, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    path = tmp_path / "checkpoint.pt"
    for n in range(2):
        save(path, n)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_bytes", fail)
        save(path, 2)
    assert number(path) == 2
    path.unlink()
    assert number(path) == 0


def regions(size):
    """Return bits all over a file: of its first line, its ends, and anywhere, by seed 0."""
    draw = random.Random(0)
    near = [*range(8 * 90), *range(8 * (size - 30), 8 * size)]
    return [*near, *(draw.randrange(8 * size) for _ in range(500))]


def test_no_flipped_bit_is_ever_read(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save(path, 0)
    save_checkpoint(path, {**STATE, "n": 1})
    contents = path.read_bytes()
    for bit in regions(len(contents)):
        flipped = bytearray(contents)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert number(path) == 0, bit


def test_no_file_that_was_cut_is_ever_read(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save(path, 0)
    save(path, 1)
    contents = path.read_bytes()
    for size in range(0, len(contents), 13):
        path.write_bytes(contents[:size])
        assert number(path) == 0, size
