"""The noise of each layer's gradient, from few measured points."""

import pytest
import torch

from radexp.config import ModelConfig
from radexp.config.estimator import MOST_BITS
from radexp.experiments.sensitivity import MEASURED_KEEPS, LayerNoise, layer_noise
from radexp.models import build_model


def test_noise_is_that_of_each_layers_own_gradient():
    torch.manual_seed(0)
    net = build_model(ModelConfig("mlp", [32, 16]), (1, 8, 8), 10)
    x, y = torch.rand(40, 1, 8, 8), torch.randint(10, (40,))
    noise = layer_noise(net, lambda m: torch.nn.functional.cross_entropy(m(x), y), seed=0)
    assert list(noise) == ["1", "3", "5"]
    for one in noise.values():
        assert (len(one.of_bits), len(one.of_keeps)) == (MOST_BITS, len(MEASURED_KEEPS))
        # A further bit leaves a quarter, and twice the places an eighth or so; two draws of each.
        # Half of what follows a ReLU is zero: at 4 bits the others have all 8 that there can be.
        assert one.of_bits[0] > 10 * one.of_bits[3] > one.of_bits[7] > 0
        assert one.of_keeps[0] > 10 * one.of_keeps[3] > 10 * one.of_keeps[5] > 0
    assert all(type(module).__module__.startswith("torch.nn") for module in net)


def test_between_measured_points_and_beyond_it_goes_on():
    noise = LayerNoise([4.0**-bits for bits in range(1, 9)], [k**-3 for k in MEASURED_KEEPS])
    assert [noise.at("layer_bits", b) for b in (1, 3, 8)] == [4.0**-1, 4.0**-3, 4.0**-8]
    for keep in (1 / 1024, 1 / 64, 0.02, 0.3):
        assert noise.at("layer_keep", keep) == pytest.approx(keep**-3)


def test_noise_that_seems_to_rise_is_taken_to_stay():
    noise = LayerNoise([1.0, 2.0, 0.5], [1.0, 1.0, 0.5, 0.7, 0.7, 0.7])
    assert noise.at("layer_bits", 2) == 1.0
    assert noise.at("layer_keep", 1 / 16) == noise.at("layer_keep", 0.2) == pytest.approx(0.5)
