"""CIFAR-10: folders, downloads and damage on tiny files; the real files where there are some."""

import hashlib
import io
import os
import re
import tarfile
from pathlib import Path

import pytest
import torch

from radexp.data import cifar10
from radexp.data.cifar10 import fetch, load, parse_records, to_split
from radexp.errors import UsageError

ROOT = os.environ.get("RADEXP_DATA")
REAL = ROOT and any(
    (Path(ROOT) / folder / "test_batch.bin").is_file() for folder in ("", "cifar10", cifar10.FOLDER)
)


def tiny_files() -> dict[str, bytes]:
    """Return small stand-ins of the six files: two records each, all pixels of a file alike."""
    return {
        name: b"".join(bytes([label, *[number] * 3072]) for label in (number, 9))
        for number, name in enumerate(cifar10.CONTENTS)
    }


def pack(files: dict[str, bytes]) -> bytes:
    """Return an archive of the files, and of some that are not wanted."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in {**files, "readme.html": b"?", "../escaped": b"!"}.items():
            info = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def publish(monkeypatch, folder, archive):
    """Let an archive be the published one."""
    (folder / "cifar-10-binary.tar.gz").write_bytes(archive)
    md5 = hashlib.md5(archive).hexdigest()
    monkeypatch.setattr(cifar10, "DOWNLOADS", {"cifar-10-binary.tar.gz": md5})


@pytest.fixture
def tiny(cache, monkeypatch):
    """Let the stand-ins be the published files."""
    files = tiny_files()
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(cifar10, "CONTENTS", sha256)
    monkeypatch.setattr(cifar10, "NUM_RECORDS", 2)
    return files


@pytest.fixture
def mirror(tiny, server, monkeypatch):
    """Return the address of a server that has the stand-ins."""
    publish(monkeypatch, server[0], pack(tiny))
    return server[1]


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_colours_are_separate_planes_each_normalized():
    planes = [[0] * 1024, [255] * 1024, list(range(256)) * 4]
    record = torch.tensor([[7, *planes[0], *planes[1], *planes[2]]], dtype=torch.uint8)
    split = to_split(record)
    assert split.inputs.shape == (1, 3, 32, 32)
    assert split.inputs.is_contiguous()
    assert split.labels.tolist() == [7]
    red, green, blue = split.inputs[0]
    torch.testing.assert_close(red, torch.full((32, 32), (0 - 0.4914) / 0.2023))
    torch.testing.assert_close(green, torch.full((32, 32), (1 - 0.4822) / 0.1994))
    rows = (torch.arange(256).repeat(4).view(32, 32) / 255 - 0.4465) / 0.2010
    torch.testing.assert_close(blue, rows)


@pytest.mark.parametrize("folder", ["", "cifar10", "cifar-10-batches-bin"])
def test_a_given_folder_is_read_and_left_alone(tiny, tmp_path, dead_url, folder):
    root = tmp_path / "given"
    write(root / folder, tiny)
    before = sorted(root.rglob("*"))
    dataset = load(root, dead_url)
    assert (dataset.name, dataset.input_shape, dataset.num_classes) == ("cifar10", (3, 32, 32), 10)
    assert dataset.train.labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert dataset.test.labels.tolist() == [5, 9]
    reds = (dataset.train.inputs[::2, 0, 5, 6] * 0.2023 + 0.4914) * 255
    torch.testing.assert_close(reds, torch.arange(5.0), rtol=0, atol=1e-4)
    assert fetch(root, dead_url) == root
    assert sorted(root.rglob("*")) == before


def test_the_environment_variable_is_a_given_folder(tiny, tmp_path, dead_url, monkeypatch):
    monkeypatch.setenv("RADEXP_DATA", str(tmp_path))
    with pytest.raises(UsageError, match=r"data_batch_1\.bin\[\.gz\]: not found"):
        load(None, dead_url)
    write(tmp_path, tiny)
    assert fetch(None, dead_url) == tmp_path


@pytest.mark.parametrize("name", list(cifar10.CONTENTS))
@pytest.mark.parametrize("action", [load, fetch])
def test_a_file_missing_from_a_given_folder_is_named(tiny, tmp_path, mirror, action, name):
    write(tmp_path / "given", {other: data for other, data in tiny.items() if other != name})
    with pytest.raises(UsageError, match=rf"{name}\[\.gz\]: not found.*run: radexp data cifar10"):
        action(tmp_path / "given", mirror)
    assert len(list((tmp_path / "given").iterdir())) == 5


@pytest.mark.parametrize("name", list(cifar10.CONTENTS))
@pytest.mark.parametrize("action", [load, fetch])
def test_other_contents_in_a_given_folder_are_named(tiny, tmp_path, action, name):
    write(tmp_path, tiny | {name: tiny[name][:-1] + b"\xfe"})
    with pytest.raises(UsageError, match=rf"{name}: its contents have SHA-256 .*expected is"):
        action(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 3073, 2 * 3073 - 1, 2 * 3073 + 1])
def test_files_of_another_length_are_explained(tiny, tmp_path, length):
    message = f"test_batch.bin: has {length} bytes: expected are 6146, 2 records of 3073; replace"
    data = (tiny["test_batch.bin"] + b"!")[:length]
    write(tmp_path, tiny | {"test_batch.bin": data})
    with pytest.raises(UsageError, match=re.escape(message)):
        load(tmp_path)
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_records(data, "test_batch.bin")


def test_without_a_folder_the_files_come_from_the_archive_once(tiny, mirror, cache, dead_url):
    assert fetch(None, mirror) == cache
    found = {path.name for path in (cache / "cifar10").iterdir()}
    assert found == {*tiny, "cifar-10-binary.tar.gz"}
    assert load(None, dead_url).num_examples == 10
    (cache / "cifar10" / "cifar-10-binary.tar.gz").unlink()
    assert load(None, dead_url).num_examples == 10


@pytest.mark.parametrize("mend", [lambda path: path.unlink(), lambda path: path.write_bytes(b"!")])
def test_a_file_lost_or_damaged_in_the_cache_is_unpacked_again(tiny, mirror, cache, mend, dead_url):
    fetch(None, mirror)
    mend(cache / "cifar10" / "data_batch_3.bin")
    assert load(None, dead_url).num_examples == 10


def test_a_damaged_download_is_explained(tiny, mirror, server):
    (server[0] / "cifar-10-binary.tar.gz").write_bytes(b"<html>sorry</html>")
    with pytest.raises(UsageError, match=r"cifar-10-binary\.tar\.gz: arrived damaged"):
        load(None, mirror)


def test_an_archive_without_a_file_is_explained(tiny, server, monkeypatch):
    publish(monkeypatch, server[0], pack({k: v for k, v in tiny.items() if "_4" not in k}))
    message = r"cifar-10-binary\.tar\.gz: lacks cifar-10-batches-bin/data_batch_4\.bin: expected"
    with pytest.raises(UsageError, match=message):
        fetch(None, server[1])


def test_no_network_is_explained(tiny, dead_url):
    with pytest.raises(UsageError, match=r"cifar-10-binary.*cannot be fetched.*use data=digits"):
        load(None, dead_url)


@pytest.mark.skipif(not REAL, reason="RADEXP_DATA names no folder with CIFAR-10")
def test_the_real_files():
    dataset = load()
    assert dataset.train.inputs.shape == (50000, 3, 32, 32)
    assert dataset.test.inputs.shape == (10000, 3, 32, 32)
    assert dataset.train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert dataset.train.labels.bincount().tolist() == [5000] * 10
    assert dataset.test.labels.bincount().tolist() == [1000] * 10
    assert dataset.train.inputs.mean((0, 2, 3)).abs().max() < 1e-3
    # The usual deviations are means of each image's own, so the pixels' are above 1.
    std = dataset.train.inputs.std((0, 2, 3))
    assert ((std > 1.2) & (std < 1.35)).all()
