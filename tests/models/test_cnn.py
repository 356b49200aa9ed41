"""The paper's convolutional network: its size, its layers, its shapes and what it refuses."""

import re

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from radexp.config import ModelConfig
from radexp.errors import UsageError
from radexp.memory import SavedBytesMeter, parameter_bytes
from radexp.models import build_model

PAPER = [16, 32, 32, 32]


def build(shape=(3, 32, 32), channels=PAPER, num_classes=10, **sizes):
    return build_model(ModelConfig("cnn", channels=channels, **sizes), shape, num_classes)


def test_the_papers_network_has_85802_parameters():
    assert parameter_bytes(build()) == 4 * 85_802


@pytest.mark.parametrize(("pooling", "kind"), [("average", nn.AvgPool2d), ("max", nn.MaxPool2d)])
def test_it_is_plain_pytorch(pooling, kind):
    model = build(pooling=pooling)
    pair = [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU, kind]
    assert [type(module) for module in model] == [*pair, *pair, nn.Flatten, nn.Linear]
    assert {module.kernel_size for module in model if isinstance(module, kind)} == {2}


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
@pytest.mark.parametrize(
    ("channels", "pooled"),
    [([6], 8), ([6, 7], 4), ([6, 7, 5], 4), ([6, 7, 5, 4], 2), ([2] * 6, 1)],
    ids=str,
)
def test_convolutions_keep_the_size_and_every_second_one_is_pooled(channels, pooled, kernel_size):
    model = build((2, 8, 8), channels, 3, kernel_size=kernel_size)
    convolutions = [module for module in model if isinstance(module, nn.Conv2d)]
    assert [module.out_channels for module in convolutions] == channels
    assert {module.kernel_size for module in convolutions} == {(kernel_size, kernel_size)}
    image = nn.Sequential(*list(model)[:-2])
    assert image(torch.rand(5, 2, 8, 8)).shape == (5, channels[-1], pooled, pooled)
    assert model(torch.rand(5, 2, 8, 8)).shape == (5, 3)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 9, 15)], ids=str)
@pytest.mark.parametrize("pooling", ["average", "max"])
def test_it_takes_images_of_any_size(shape, pooling):
    model = build(shape, pooling=pooling)
    assert type(model) is nn.Sequential
    assert model(torch.rand(2, *shape)).shape == (2, 10)


def test_the_stock_network_keeps_what_pytorch_makes_it_keep():
    model = build()
    with SavedBytesMeter(model.parameters()) as meter:
        loss = cross_entropy(model(torch.rand(2, 3, 32, 32)), torch.zeros(2, dtype=torch.int64))
    assert loss.requires_grad
    # Inputs, four activations, both pools' outputs, log-probabilities; labels; total weight.
    floats = 3072 + 16384 + 32768 + 8192 + 8192 + 8192 + 2048 + 10
    assert meter.peak_bytes == 2 * (4 * floats + 8) + 4


@pytest.mark.parametrize(
    ("shape", "channels", "message"),
    [
        (
            *((784, 1), PAPER),
            "model=cnn on examples of (784, 1): allowed is images, examples of (C, H, W); try data",
        ),
        ((64,), PAPER, "model=cnn on examples of (64,): allowed is images"),
        (
            *((1, 8, 8), [2] * 8),
            "8 convolutions on examples of (1, 8, 8): allowed is images of at least 16x16, which "
            "4 pools can halve; give model.channels fewer entries",
        ),
        ((1, 3, 32), PAPER, "4 convolutions on examples of (1, 3, 32): allowed is images of at"),
        (
            *((1, 8, 8), []),
            "model.channels=[]: allowed is the channels of at least one convolution; try model.ch",
        ),
    ],
)
def test_other_inputs_are_refused(shape, channels, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        build(shape, channels)
