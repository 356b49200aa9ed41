"""Seals: whatever changes in a record or in its files is noticed."""

import json
import random
from pathlib import Path

import pytest
from sealed import write_summary

from radexp.sealing import UNSEALED, find_broken_seal, find_damage, seal

VALUES = {"status": "completed", "loss": 0.1 + 0.2, "peak": {"total": 3}, "none": None}


@pytest.fixture
def sealed(tmp_path):
    (tmp_path / "metrics.csv").write_text("iteration,loss\n1,0.5\n")
    write_summary(tmp_path, VALUES)
    return tmp_path


def damage_of(folder):
    return find_damage(json.loads((folder / "summary.json").read_text()), folder)


def test_what_was_sealed_is_whole_however_it_is_spaced(sealed):
    assert damage_of(sealed) is None
    values = json.loads((sealed / "summary.json").read_text())
    (sealed / "summary.json").write_text(json.dumps(values, indent=3, sort_keys=True))
    assert damage_of(sealed) is None


@pytest.mark.parametrize("name", ["summary.json", "metrics.csv"])
def test_no_flipped_bit_changes_what_is_believed(sealed, name):
    path, draw = sealed / name, random.Random(0)
    contents = path.read_bytes()
    values = json.loads((sealed / "summary.json").read_text())
    for _ in range(500):
        bit = draw.randrange(8 * len(contents))
        flipped = bytearray(contents)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            found = json.loads((sealed / "summary.json").read_text())
        except ValueError:
            continue  # no JSON or no UTF-8: refused before
        assert find_damage(found, sealed) or (found == values and name == "summary.json"), bit


@pytest.mark.parametrize("name", ["../secret", "/etc/hosts", "", ".", "sub/file"])
def test_a_seal_leads_out_of_its_folder_nowhere(tmp_path, name):
    assert find_damage(seal(VALUES, {name: "0"}), tmp_path) == f"{name}, of which it tells, is gone"


def test_a_file_that_cannot_be_read_is_damage(sealed, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    record = json.loads((sealed / "summary.json").read_text())
    monkeypatch.setattr(Path, "read_bytes", fail)
    message = "metrics.csv, of which it tells, cannot be read (Input/output error)"
    assert find_damage(record, sealed) == message


def test_a_record_is_judged_without_its_files(sealed):
    record = json.loads((sealed / "summary.json").read_text())
    (sealed / "metrics.csv").unlink()
    assert find_broken_seal(record) is None
    assert find_broken_seal({**record, "loss": 0.4}) == "it is not as it was written"
    assert find_broken_seal(VALUES) == find_damage(VALUES, sealed) == UNSEALED


def test_files_that_are_no_names_are_none(tmp_path):
    record = seal({**VALUES}, {})
    assert find_damage({**record, "files": [1]}, tmp_path) == "it is not as it was written"
