"""What is predicted on the meta device is what a real step measures, to the byte."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from radexp.config import CLASSIFICATION, options_for
from radexp.layers import Estimator, randomize
from radexp.memory import SavedBytesMeter, parameter_bytes, predict_saved_bytes

FLAT, IMAGE = (36,), (2, 6, 6)


def first_frozen():
    net = nn.Sequential(nn.Linear(36, 9), nn.ReLU(), nn.Linear(9, 4))
    net[0].requires_grad_(False)
    return net


NETS = {
    "linear": (FLAT, lambda: nn.Linear(36, 4)),
    "mlp": (FLAT, lambda: nn.Sequential(nn.Linear(36, 9), nn.ReLU(), nn.Linear(9, 4))),
    "no bias": (FLAT, lambda: nn.Sequential(nn.Linear(36, 9, bias=False), nn.Linear(9, 4))),
    "layer norm": (FLAT, lambda: nn.Sequential(nn.Linear(36, 8), nn.LayerNorm(8), nn.ReLU())),
    "dropout": (
        FLAT,
        lambda: nn.Sequential(nn.Linear(36, 9), nn.ReLU(), nn.Dropout(0.3), nn.Linear(9, 4)),
    ),
    "relu first": (FLAT, lambda: nn.Sequential(nn.ReLU(), nn.Linear(36, 4))),
    "relus in a row": (FLAT, lambda: nn.Sequential(nn.Linear(36, 7), nn.ReLU(), nn.ReLU())),
    "smooth": (FLAT, lambda: nn.Sequential(nn.Linear(36, 7), nn.GELU(), nn.Tanh(), nn.SiLU())),
    "batch norm": (FLAT, lambda: nn.Sequential(nn.Linear(36, 7), nn.BatchNorm1d(7), nn.ReLU())),
    "conv": (IMAGE, lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten())),
    "conv, pool": (
        IMAGE,
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(27, 4),
        ),
    ),
    "first layer frozen": (FLAT, first_frozen),
    "average pool": (
        IMAGE,
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.AvgPool2d(4), nn.Flatten()),
    ),
}


def predicted_and_measured(shape, build, estimator, num_rows, **settings):
    with torch.device("meta"):
        dry, x = build(), torch.empty(num_rows, *shape)
        y = torch.empty(num_rows, dtype=torch.int64)
    net = build()
    for model in (dry, net):
        if estimator is not None:
            randomize(model, estimator, **settings)
    predicted = predict_saved_bytes(dry, F.cross_entropy, x, y)
    real_x, real_y = torch.randn(num_rows, *shape), torch.zeros(num_rows, dtype=torch.int64)
    with SavedBytesMeter(net.parameters()) as meter:
        loss = F.cross_entropy(net(real_x), real_y)
    loss.backward()
    assert meter.held_bytes == 0
    return predicted, meter.peak_bytes


@pytest.mark.parametrize("num_rows", [1, 5, 32])
@pytest.mark.parametrize("estimator", [None, *options_for("estimator", CLASSIFICATION)])
@pytest.mark.parametrize("name", NETS)
def test_prediction_is_the_measurement(name, estimator, num_rows):
    if name == "batch norm" and num_rows == 1:
        num_rows = 2  # one row has no variance
    predicted, measured = predicted_and_measured(*NETS[name], estimator, num_rows)
    assert predicted == measured


@pytest.mark.parametrize("keep", [0.001, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("estimator", ["rad", "rad_shared", "rad_project"])
def test_prediction_holds_for_every_kept_fraction(estimator, keep):
    predicted, measured = predicted_and_measured(*NETS["mlp"], estimator, 16, keep=keep)
    assert predicted == measured


def test_predicting_leaves_the_model_as_it_was():
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 2))
        x, y = torch.empty(3, 8), torch.empty(3, dtype=torch.int64)
    randomize(net, "rad", keep=0.5)
    kinds, keys = [type(layer) for layer in net], [set(vars(layer)) for layer in net]
    first = predict_saved_bytes(net, F.cross_entropy, x, y)
    assert predict_saved_bytes(net, F.cross_entropy, x, y) == first
    assert [type(layer) for layer in net] == kinds
    assert [set(vars(layer)) for layer in net] == keys
    assert net[0].seeds.calls == 0


def test_a_failing_forward_leaves_the_model_as_it_was():
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(8, 5), nn.ReLU())
        x, y = torch.empty(3, 9), torch.empty(3, dtype=torch.int64)
    randomize(net, Estimator.named("rad"))
    with pytest.raises(RuntimeError, match=r"reduction dim|cannot be multiplied"):
        predict_saved_bytes(net, F.cross_entropy, x, y)
    assert all("forward" not in vars(layer) for layer in net)


def test_parameter_bytes_counts_shared_parameters_once():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, dtype=torch.float64))
    assert parameter_bytes(net) == 16 * 4 + 20 * 8
    net[1].weight = nn.Parameter(torch.ones(4, 4))
    net[0].weight = net[1].weight
    assert parameter_bytes(net) == 16 * 4 + 4 * 8
