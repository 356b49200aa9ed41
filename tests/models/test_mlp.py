"""The paper's fully connected network: its size, its shapes and its row of Table 1."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from radexp.config import ModelConfig
from radexp.errors import UsageError
from radexp.layers import randomize
from radexp.memory.meter import SavedBytesMeter
from radexp.memory.predict import parameter_bytes
from radexp.models import build_model

TABLE_1_MB = {1: 2.69, 0.8: 2.51, 0.5: 2.21, 0.3: 2.00, 0.1: 1.80, 0.05: 1.75}


def paper_mlp():
    return build_model(ModelConfig("mlp", [300, 300, 300]), (1, 28, 28), 10)


def measured_bytes(model):
    x, y = torch.rand(150, 1, 28, 28), torch.zeros(150, dtype=torch.int64)
    with SavedBytesMeter(model.parameters()) as meter:
        loss = cross_entropy(model(x), y)
    assert loss.requires_grad
    return meter.peak_bytes


def test_the_papers_network_has_419110_parameters():
    assert parameter_bytes(paper_mlp()) == 4 * 419_110


def test_it_is_plain_pytorch():
    kinds = [type(module) for module in paper_mlp()]
    assert kinds == [nn.Flatten, *[nn.Linear, nn.ReLU] * 3, nn.Linear]


@pytest.mark.parametrize("hidden", [[], [7], [7, 5]], ids=str)
@pytest.mark.parametrize("shape", [(6,), (1, 2, 3), (2, 3, 4)], ids=str)
def test_shapes(hidden, shape):
    model = build_model(ModelConfig("mlp", hidden), shape, 4)
    assert type(model) is nn.Sequential
    assert model(torch.rand(3, *shape)).shape == (3, 4)
    assert [m.out_features for m in model if isinstance(m, nn.Linear)] == [*hidden, 4]


@pytest.mark.parametrize("name", ["rad", "rad_shared", "rad_project"])
@pytest.mark.parametrize(("keep", "megabytes"), TABLE_1_MB.items())
def test_row_of_table_1_is_measured_within_a_hundredth(name, keep, megabytes):
    model = randomize(paper_mlp(), name, keep=keep).model
    total = measured_bytes(model) + parameter_bytes(model)
    assert total / 1e6 == pytest.approx(megabytes, rel=0.01)


@pytest.mark.parametrize("name", ["rad", "rad_shared", "rad_project"])
def test_a_tenth_keeps_at_most_126_kilobytes(name):
    assert measured_bytes(randomize(paper_mlp(), name, keep=0.1).model) <= 126_000


def test_the_stock_network_keeps_its_activations():
    # Inputs, three hidden layers, log-probabilities, labels and the loss's total weight.
    assert measured_bytes(paper_mlp()) == 150 * (4 * (784 + 900 + 10) + 8) + 4


@pytest.mark.parametrize(
    ("name", "hidden", "message"),
    [
        ("nope", [], "model.name=nope: allowed is .*mlp.*; set model=NAME instead"),
        ("mlp", [0], r"model.hidden=\[0\]: allowed is whole numbers .*; try model.hidden="),
    ],
)
def test_unknown_models_and_empty_layers_are_refused(name, hidden, message):
    with pytest.raises(UsageError, match=message):
        ModelConfig(name, hidden)
