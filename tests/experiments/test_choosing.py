"""Rounding or sampling for each layer: whichever has less noise, never worse than one for all."""

import pytest
import torch

from radexp.config import load_estimator_config
from radexp.config.estimator import KEEP_STEPS
from radexp.experiments.choosing import choose_settings
from radexp.experiments.sensitivity import MEASURED_KEEPS, LayerNoise
from radexp.layers import Estimator

SHAPES = {"1": (1, 150, 784), "3": (1, 150, 300), "5": (1, 150, 30)}
LOSS = 1000
ROUNDED = [4.0**-bits for bits in range(1, 9)]
SAMPLED = [0.25 * (32 * keep) ** -3 for keep in MEASURED_KEEPS]
# The first layer is better off sampled, the second rounded, the third hardly matters.
NOISE = {
    "1": LayerNoise(ROUNDED, [one / 10 for one in SAMPLED]),
    "3": LayerNoise([one / 10 for one in ROUNDED], SAMPLED),
    "5": LayerNoise([one * 1e-6 for one in ROUNDED], [one * 1e-6 for one in SAMPLED]),
}
AUTO = load_estimator_config("auto")


def by_layer(config):
    sketches = Estimator.from_config(config).of_layers
    sizes = {n: sketches[n].saved_bytes(shape, torch.float32) for n, shape in SHAPES.items()}
    return {**sizes, "loss": LOSS}


def cost(config):
    """Return the bytes of a choice and the noise that is expected of it."""
    bits = [NOISE[name].at("layer_bits", b) for name, b in config.layer_bits.items()]
    keeps = [NOISE[name].at("layer_keep", k) for name, k in config.layer_keep.items()]
    return sum(by_layer(config).values()), sum(bits + keeps)


def alike(**numbers):
    return load_estimator_config(
        "auto", **{n: dict.fromkeys(SHAPES, v) for n, v in numbers.items()}
    )


@pytest.mark.parametrize("room", [2500, 12_000, 30_000, 60_000])
def test_it_fits_and_is_never_worse_than_one_setting_for_all(room):
    size, noise = cost(choose_settings(AUTO, NOISE, by_layer, room))
    assert size <= room
    for keep in (10 ** (-digits / 10) for digits in range(3, 35)):
        of_all, expected = cost(alike(layer_keep=keep))
        assert of_all > room or noise <= expected
    for bits in range(1, 9):
        of_all, expected = cost(alike(layer_bits=bits))
        assert of_all > room or noise <= expected


@pytest.mark.parametrize("room", [32_000, 33_500, 41_000])
def test_each_layer_has_what_suits_it_and_no_bytes_are_left(room):
    chosen = choose_settings(AUTO, NOISE, by_layer, room)
    assert "1" in chosen.layer_keep
    assert chosen.layer_bits["3"] > 1
    assert 0.999 * room <= cost(chosen)[0] <= room
    for keep in chosen.layer_keep.values():
        assert round(keep * KEEP_STEPS) / KEEP_STEPS == keep


@pytest.mark.parametrize("room", [7000, 15_000, 20_000])
def test_where_one_fraction_suits_all_all_have_the_largest_that_fits(room):
    bytes_of = {name: 4 * shape[1] * shape[2] for name, shape in SHAPES.items()}
    noise = {
        name: LayerNoise([1e9] * 8, [size * keep**-3 for keep in MEASURED_KEEPS])
        for name, size in bytes_of.items()
    }
    keeps = choose_settings(AUTO, noise, by_layer, room).layer_keep
    assert len(set(keeps.values())) == 1
    assert cost(alike(layer_keep=keeps["1"] + 1 / KEEP_STEPS))[0] > room


def test_without_room_it_is_the_least_that_there_is():
    least, _ = cost(choose_settings(AUTO, NOISE, by_layer, 0))
    assert least == cost(alike(layer_keep=1e-6))[0]
