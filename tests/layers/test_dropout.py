"""Dropout as a module that keeps bits: same draws, values and gradients, fewer bytes."""

import pytest
import torch
from torch import nn

from radexp.config import CLASSIFICATION, options_for
from radexp.layers import randomize
from radexp.layers.dropout import BitDropout

LEAN = [name for name in options_for("estimator", CLASSIFICATION) if name != "exact"]
each_lean = pytest.mark.parametrize("name", LEAN)
each_p = pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1.0])
each_training = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


@pytest.fixture(autouse=True)
def generator_state():
    with torch.random.fork_rng(devices=[]):
        yield


def outcome(layer, x):
    torch.manual_seed(7)
    leaf = x.clone().requires_grad_()
    y = layer(leaf)
    return y.detach(), torch.autograd.grad(y.square().sum(), leaf)[0], torch.rand(3)


@each_lean
@each_p
@each_training
def test_values_gradients_and_draws_are_stock(name, p, training, twins):
    ours, stock = twins(nn.Dropout(p).train(training), name)
    assert type(ours) is BitDropout
    x = torch.randn(5, 13)
    assert all(map(torch.equal, outcome(ours, x), outcome(stock, x)))


@each_lean
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
@each_training
@pytest.mark.parametrize("needs_x", [True, False])
@pytest.mark.parametrize("inplace", [True, False])
def test_predicted_bytes_are_measured(name, p, training, needs_x, inplace, predicted_and_measured):
    def alone():
        return nn.Dropout(p).train(training)

    def between():
        dropout = nn.Dropout(p, inplace)
        return nn.Sequential(nn.Linear(13, 9), nn.ReLU(), dropout, nn.Linear(9, 3)).train(training)

    for build in (alone, between):
        predicted, measured = predicted_and_measured(build, (6, 13), name, needs_x)
        assert predicted == measured
        if training and p < 1:
            assert measured <= predicted_and_measured(build, (6, 13), None, needs_x)[1]


@each_lean
def test_one_bit_an_entry(name):
    layer, x = randomize(nn.Dropout(0.5), name).model, torch.ones(5, 13, requires_grad=True)
    assert layer.saved_bytes(x) == 9
    assert layer.saved_bytes(x.detach()) == layer.eval().saved_bytes(x) == 0


def test_dropout_of_nothing_and_under_exact_is_left_alone():
    for p, name in [(0.0, "rad"), (0, "small_batch"), (0.5, "exact")]:
        layer = nn.Dropout(p)
        assert randomize(layer, name).left_alone == ("",)
        assert type(layer) is nn.Dropout


@each_lean
def test_exact_restores_stock(name):
    layer = nn.Dropout(0.5)
    keys = set(vars(layer))
    assert randomize(layer, name).converted == ("",)
    randomize(layer, "exact")
    assert type(layer) is nn.Dropout
    assert set(vars(layer)) == keys


@each_lean
def test_other_dropouts_are_left_alone(name):
    net = nn.Sequential(nn.Dropout2d(0.5), nn.AlphaDropout(0.5))
    assert randomize(net, name).converted == ()
