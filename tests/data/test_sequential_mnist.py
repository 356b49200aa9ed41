"""MNIST as sequences: the same files and pixels, one pixel a step."""

import os

import pytest
import torch

from radexp.data import mnist
from radexp.data.dataset import Split
from radexp.data.sequential_mnist import fetch, load, to_sequences
from radexp.errors import UsageError


def test_pixels_are_read_row_after_row_without_a_copy():
    images = Split(torch.arange(24.0).view(2, 1, 3, 4), torch.tensor([5, 6]))
    sequences = to_sequences(images)
    assert sequences.inputs.shape == (2, 12, 1)
    assert sequences.inputs[1, :, 0].tolist() == list(range(12, 24))
    assert sequences.inputs.data_ptr() == images.inputs.data_ptr()
    assert sequences.labels is images.labels


def test_it_is_mnist(tiny, tmp_path, dead_url):
    for name, data in tiny[0].items():
        (tmp_path / name).write_bytes(data)
    sequences, images = load(tmp_path, dead_url), mnist.load(tmp_path, dead_url)
    assert (sequences.name, sequences.input_shape) == ("sequential_mnist", (4, 1))
    assert (sequences.num_examples, sequences.num_classes) == (3, 10)
    for part in ("train", "test"):
        expected, found = getattr(images, part), getattr(sequences, part)
        assert torch.equal(found.inputs.flatten(), expected.inputs.flatten())
        assert torch.equal(found.labels, expected.labels)


def test_its_files_are_those_of_mnist(tiny, server, cache, dead_url):
    for name, data in tiny[1].items():
        (server[0] / name).write_bytes(data)
    assert fetch(None, server[1]) == cache
    assert {path.name for path in (cache / "mnist").iterdir()} == set(tiny[1])
    assert load(None, dead_url).num_examples == 3


@pytest.mark.parametrize("action", [load, fetch])
def test_a_missing_file_is_named(tmp_path, action, dead_url):
    with pytest.raises(UsageError, match=r"train-images.*not found.*run: radexp data mnist"):
        action(tmp_path, dead_url)


@pytest.mark.skipif(not os.environ.get("RADEXP_DATA"), reason="RADEXP_DATA names no folder")
def test_the_real_files():
    dataset = load()
    assert dataset.train.inputs.shape == (60000, 784, 1)
    assert dataset.test.inputs.shape == (10000, 784, 1)
    assert dataset.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
