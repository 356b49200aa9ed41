"""Sequential MNIST at half the resolution: blocks of four pixels, in the same order."""

import pytest
import torch

from radexp.data import mnist
from radexp.data.dataset import Split
from radexp.data.sequential_mnist14 import halve, load
from radexp.errors import UsageError


def test_each_entry_is_the_mean_of_its_block():
    images = Split(torch.arange(32.0).view(2, 1, 4, 4), torch.tensor([5, 6]))
    halved = halve(images)
    assert halved.inputs.shape == (2, 1, 2, 2)
    blocks = images.inputs.unfold(2, 2, 2).unfold(3, 2, 2)
    assert torch.equal(halved.inputs, blocks.mean(dim=(-1, -2)))
    assert torch.equal(halved.labels, images.labels)


def test_it_is_mnist_halved_and_read_row_after_row(tiny, tmp_path, dead_url):
    for name, data in tiny[0].items():
        (tmp_path / name).write_bytes(data)
    sequences, images = load(tmp_path, dead_url), mnist.load(tmp_path, dead_url)
    assert (sequences.name, sequences.input_shape) == ("sequential_mnist14", (1, 1))
    expected = images.test.inputs.mean(dim=(2, 3))
    assert torch.allclose(sequences.test.inputs[:, :, 0], expected)
    assert torch.equal(sequences.test.labels, images.test.labels)


def test_a_missing_file_is_named(tmp_path, dead_url):
    with pytest.raises(UsageError, match=r"train-images.*not found.*run: radexp data mnist"):
        load(tmp_path, dead_url)
