"""Files that were damaged between two commands: none is read as good, nothing is lost."""

import json
import random
import signal
import struct

import pytest
from harness import RUNS, rows_of

from radexp.files import digest

WORDS = RUNS["mlp"]
TRIES = 6
DATA = ("data=mnist", "data.root=data")


def cut_in_half(contents, draw):
    return contents[: len(contents) // 2]


def flip_a_bit(contents, draw):
    flipped = bytearray(contents)
    flipped[draw.randrange(len(contents))] ^= 1 << draw.randrange(8)
    return bytes(flipped)


def empty(contents, draw):
    return b""


def overwrite_a_block(contents, draw):
    start = draw.randrange(len(contents))
    return contents[:start] + bytes(len(contents[start : start + 512])) + contents[start + 512 :]


DAMAGES = (cut_in_half, flip_a_bit, flip_a_bit, flip_a_bit, overwrite_a_block, empty)


@pytest.fixture
def stopped(commands):
    """Kill a run after its fourth checkpoint, and return the folder."""
    assert commands.run(*WORDS, plan=True, die_at=40).status == -signal.SIGKILL
    (folder,) = commands.cwd.glob("outputs/*/*")
    assert len(list(folder.glob("checkpoint*.pt"))) == 2
    return folder


def copy_back(folder, kept):
    for path in folder.iterdir():
        path.unlink()
    for name, contents in kept.items():
        (folder / name).write_bytes(contents)


def test_the_checkpoint_before_a_damaged_one_is_used(commands, undisturbed, stopped):
    kept, draw = {path.name: path.read_bytes() for path in stopped.iterdir()}, random.Random(0)
    for damage in DAMAGES:
        copy_back(stopped, kept)
        (stopped / "checkpoint.pt").write_bytes(damage(kept["checkpoint.pt"], draw))
        ended = commands.run(*WORDS, plan=True)
        assert ended.status == 0
        assert ended.err.endswith("/checkpoint.pt is damaged and left out\n")
        assert ended.err.count("\n") == 1
        log = (stopped / "run.log").read_text()
        assert "WARNING checkpoint" in log
        assert log.rpartition("damaged and left out")[2].count("resumed at iteration") == 1
        assert rows_of(commands.cwd) == undisturbed(*WORDS)


def test_a_run_without_a_good_checkpoint_starts_anew(commands, undisturbed, stopped):
    for path in stopped.glob("checkpoint*.pt"):
        path.write_bytes(path.read_bytes()[:-1])
    ended = commands.run(*WORDS)
    assert ended.status == 0
    assert ended.err.splitlines()[-1].endswith("no good checkpoint is left, so the run starts anew")
    assert rows_of(commands.cwd) == undisturbed(*WORDS)


@pytest.mark.parametrize("name", ["metrics.csv", "config.yaml", "environment.json", "run.log"])
def test_other_files_of_a_run_that_goes_on_are_put_right(commands, undisturbed, stopped, name):
    kept, draw = {path.name: path.read_bytes() for path in stopped.iterdir()}, random.Random(1)
    for damage in (*DAMAGES, None):
        copy_back(stopped, kept)
        (stopped / name).unlink() if damage is None else (stopped / name).write_bytes(
            damage(kept[name], draw)
        )
        ended = commands.run(*WORDS, plan=True)
        assert (ended.status, ended.err) == (0, "")
        assert rows_of(commands.cwd) == undisturbed(*WORDS)
        if name.endswith((".yaml", ".json")):
            assert (stopped / name).read_bytes() == kept[name]


@pytest.mark.parametrize("name", ["metrics.csv", "summary.json", "config.yaml", "environment.json"])
def test_a_damaged_record_of_a_complete_run_is_refused_and_done_again(commands, undisturbed, name):
    assert commands.run(*WORDS).status == 0
    (folder,) = commands.cwd.glob("outputs/*/*")
    kept, draw = (folder / name).read_bytes(), random.Random(2)
    for damage in DAMAGES:
        (folder / name).write_bytes(damage(kept, draw))
        require_one_line(commands.run(*WORDS), folder)
        (folder / "summary.json").unlink()  # as the message says
        assert commands.run(*WORDS, plan=True).status == 0
        assert rows_of(commands.cwd) == undisturbed(*WORDS)
    (folder / name).write_bytes(cut_in_half(kept, draw))
    require_one_line(commands.run("report", "runs=outputs", "output=report"), folder)
    sweep = commands.run("train", "-m", *WORDS[1:], "seed=0,1")
    assert sweep.status == 1
    assert sweep.err.count("\n") == 2  # why, and which
    assert sweep.out.count("completed ") == 1


def require_one_line(ended, folder):
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert f"{folder.parent.name}/{folder.name}/" in ended.err


def mnist_files():
    """Return stand-ins of MNIST's files: 300 training and 100 test images of 2 x 2 pixels."""
    files, draw = {}, random.Random(3)
    for part, num in (("train", 300), ("t10k", 100)):
        head = struct.pack(">4B3I", 0, 0, 8, 3, num, 2, 2)
        files[f"{part}-images-idx3-ubyte"] = head + draw.randbytes(4 * num)
        labels = bytes(draw.randrange(10) for _ in range(num))
        files[f"{part}-labels-idx1-ubyte"] = struct.pack(">4BI", 0, 0, 8, 1, num) + labels
    return files


def publish(commands, files):
    """Write data files; return the faults that make them the published ones."""
    folder = commands.cwd / "data"
    folder.mkdir(exist_ok=True)
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    return {"contents": {name: digest(contents) for name, contents in files.items()}}


def test_a_changed_byte_of_a_data_file_is_noticed_before_anything_is_written(commands):
    files, draw = mnist_files(), random.Random(4)
    faults = publish(commands, files)
    for _ in range(TRIES):
        name = draw.choice(sorted(files))
        (commands.cwd / "data" / name).write_bytes(flip_a_bit(files[name], draw))
        ended = commands.run(*WORDS, *DATA, **faults)
        assert ended.status == 2
        assert ended.err.startswith(f"radexp: data/{name}: ")
        assert ended.err.count("\n") == 1
        assert not (commands.cwd / "outputs").exists()
        publish(commands, files)


def test_data_that_changed_under_a_run_are_refused_until_they_are_back(commands):
    files, words = mnist_files(), (*WORDS, *DATA)
    faults = publish(commands, files)
    assert commands.run(*words, **faults).status == 0
    whole = rows_of(commands.cwd)
    (folder,) = commands.cwd.glob("outputs/*/*")
    name = "train-labels-idx1-ubyte"
    changed = {**files, name: files[name][:-1] + bytes([files[name][-1] ^ 1])}
    for complete in (True, False):
        if not complete:
            (folder / "summary.json").unlink()
        ended = commands.run(*words, **publish(commands, changed))
        assert ended.status == 2
        assert ended.err.count("\n") == 1
        assert "its data were of SHA-256 " in ended.err
        publish(commands, files)
        assert commands.run(*words, **faults).status == 0
        assert rows_of(commands.cwd) == whole
    assert json.loads((folder / "summary.json").read_text())["data_sha256"]
