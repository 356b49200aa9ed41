"""MNIST: folders, downloads and damage on tiny files; the real files where there are some."""

import os

import pytest
import torch

from radexp.data import mnist
from radexp.data.mnist import fetch, load, to_split
from radexp.errors import UsageError


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_images_are_normalized_and_get_a_channel():
    split = to_split(torch.tensor([[[0, 255, 51]]], dtype=torch.uint8), torch.tensor([7]).byte())
    assert split.inputs.shape == (1, 1, 1, 3)
    expected = [(value - 0.1307) / 0.3081 for value in (0.0, 1.0, 0.2)]
    torch.testing.assert_close(split.inputs.flatten(), torch.tensor(expected))
    assert split.labels.tolist() == [7]


def test_images_without_their_labels_are_refused():
    with pytest.raises(UsageError, match="2 inputs with 1 labels"):
        to_split(torch.zeros(2, 2, 2, dtype=torch.uint8), torch.zeros(1, dtype=torch.uint8))


@pytest.mark.parametrize("folder", ["", "mnist"])
@pytest.mark.parametrize("packed", [0, 1])
def test_a_given_folder_is_read_and_left_alone(tiny, tmp_path, dead_url, folder, packed):
    root = tmp_path / "given"
    write(root / folder, tiny[packed])
    before = sorted(root.rglob("*"))
    dataset = load(root, dead_url)
    assert dataset.input_shape == (1, 2, 2)
    assert dataset.train.labels.tolist() == [0, 1, 2]
    assert dataset.test.labels.tolist() == [0, 1]
    assert fetch(root, dead_url) == root
    assert sorted(root.rglob("*")) == before


def test_the_environment_variable_is_a_given_folder(tiny, tmp_path, dead_url, monkeypatch):
    monkeypatch.setenv("RADEXP_DATA", str(tmp_path))
    with pytest.raises(UsageError, match=r"train-images-idx3-ubyte\[\.gz\]: not found"):
        load(None, dead_url)
    write(tmp_path, tiny[0])
    assert fetch(None, dead_url) == tmp_path


@pytest.mark.parametrize("name", list(mnist.CONTENTS))
@pytest.mark.parametrize("action", [load, fetch])
def test_a_file_missing_from_a_given_folder_is_named(tiny, tmp_path, server, action, name):
    files, packed = tiny
    write(server[0], packed)
    write(tmp_path / "given", {other: data for other, data in files.items() if other != name})
    with pytest.raises(UsageError, match=rf"{name}\[\.gz\]: not found.*run: radexp data mnist"):
        action(tmp_path / "given", server[1])
    assert len(list((tmp_path / "given").iterdir())) == 3


@pytest.mark.parametrize("name", list(mnist.CONTENTS))
@pytest.mark.parametrize("action", [load, fetch])
def test_other_contents_in_a_given_folder_are_named(tiny, tmp_path, action, name):
    files, _ = tiny
    write(tmp_path, files | {name: files[name][:-1] + b"\x09"})
    with pytest.raises(UsageError, match=rf"{name}: its contents have SHA-256 .*expected is"):
        action(tmp_path)


def test_without_a_folder_the_files_come_from_the_mirror_once(tiny, server, cache, dead_url):
    write(server[0], tiny[1])
    assert fetch(None, server[1]) == cache
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == sorted(tiny[1])
    assert load(None, dead_url).num_examples == 3


def test_a_damaged_download_is_explained(tiny, server):
    write(server[0], tiny[1] | {"t10k-labels-idx1-ubyte.gz": b"<html>sorry</html>"})
    with pytest.raises(UsageError, match=r"t10k-labels-idx1-ubyte\.gz: arrived damaged"):
        load(None, server[1])


def test_no_network_is_explained(cache, dead_url):
    with pytest.raises(UsageError, match=r"train-images.*cannot be fetched.*use data=digits"):
        load(None, dead_url)


@pytest.mark.skipif(not os.environ.get("RADEXP_DATA"), reason="RADEXP_DATA names no folder")
def test_the_real_files():
    dataset = load()
    assert dataset.train.inputs.shape == (60000, 1, 28, 28)
    assert dataset.test.inputs.shape == (10000, 1, 28, 28)
    assert dataset.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    std, mean = torch.std_mean(dataset.train.inputs)
    assert abs(mean) < 1e-3
    assert abs(std - 1) < 1e-3
