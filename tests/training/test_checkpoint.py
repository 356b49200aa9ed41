"""Checkpoints: all or nothing on disk, no code from a file, and clear words about a bad one."""

import os
import pickle

import pytest
import torch

from radexp.errors import UsageError
from radexp.training import load_checkpoint, save_checkpoint, write_atomically

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


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(bytes(range(256)) * 20),
        lambda path: path.write_bytes(b""),
        lambda path: torch.save([1, 2], path),
        lambda path: torch.save({"trainer": {}}, path),
        lambda path: torch.save({"config_hash": "abc", "trainer": Bomb()}, path),
        lambda path: path.write_bytes(pickle.dumps({"config_hash": "abc", "trainer": Bomb()})),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["half", "noise", "empty", "list", "no-hash", "bomb", "pickle", "folder"],
)
def test_a_damaged_checkpoint_is_refused_and_runs_no_code(saved, damage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    damage(saved)
    with pytest.raises(UsageError, match=r"checkpoint .*: it cannot be read \(\w+\); allowed is a"):
        load_checkpoint(saved, "abc")
    assert not (tmp_path / "exploded").exists()


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
