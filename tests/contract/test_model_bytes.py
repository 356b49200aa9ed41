"""Predicted bytes are measured bytes, for every model, estimator and kept fraction."""

import pytest
import torch
from omegaconf import OmegaConf
from torch.nn.functional import cross_entropy

from radexp.catalogue import config_folder
from radexp.config import CLASSIFICATION, ModelConfig, load_estimator_config, options_for
from radexp.layers import randomize
from radexp.memory.meter import SavedBytesMeter
from radexp.memory.predict import predict_saved_bytes
from radexp.models import build_model

# Shape of an example and examples in the larger batch, where the default is not natural.
DEFAULT_INPUT = (1, 28, 28), 150
INPUTS = {"cnn": ((3, 32, 32), 11), "rnn": ((28, 1), 150)}
FREE = {"keep": (1, 0.8, 0.5, 0.3, 0.1, 0.05), "bits": (8, 5, 3, 2, 1)}
NAMES = options_for("estimator", CLASSIFICATION)
FREE_OF = {name: load_estimator_config(name).free for name in NAMES}
ARMS = [
    *((name, {free: value}) for name, free in FREE_OF.items() for value in FREE.get(free, ())),
    *((name, {}) for name, free in FREE_OF.items() if free not in FREE),
]


def shape_of(model):
    return INPUTS.get(model, DEFAULT_INPUT)[0]


def build(model, estimator, settings, device):
    config = OmegaConf.merge(
        OmegaConf.structured(ModelConfig), OmegaConf.load(config_folder() / f"model/{model}.yaml")
    )
    with torch.device(device):
        network = build_model(OmegaConf.to_object(config), shape_of(model), 10)
    return randomize(network, estimator, **settings).model


def batch(model, count, device="cpu"):
    x = torch.rand(count, *shape_of(model), device=device)
    return x, torch.zeros(count, dtype=torch.int64, device=device)


@pytest.mark.parametrize(("estimator", "settings"), ARMS, ids=str)
@pytest.mark.parametrize(
    ("model", "count"),
    [
        (m, count)
        for m in options_for("model", CLASSIFICATION)
        for count in (INPUTS.get(m, DEFAULT_INPUT)[1], 7)
    ],
)
def test_predicted_bytes_are_measured_to_the_byte(model, estimator, settings, count, device):
    network, (x, y) = build(model, estimator, settings, device), batch(model, count, device)
    with SavedBytesMeter(network.parameters()) as meter:
        loss = cross_entropy(network(x), y)
    held = meter.held_bytes
    loss.backward()
    plan = build(model, estimator, settings, "meta")
    assert held == meter.peak_bytes
    assert predict_saved_bytes(plan, cross_entropy, *batch(model, count, "meta")) == held
