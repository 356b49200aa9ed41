"""Lean layers: their closed forms, and when they draw."""

from itertools import product

import pytest
import torch
from torch import nn

from radexp.layers import Estimator, randomize, seed_streams
from radexp.layers.linear import SketchedLinear
from radexp.layers.relu import BitReLU
from radexp.memory.meter import SavedBytesMeter
from radexp.sketches import Sampling


class Recording:
    """A sketch that writes down the seeds it is given; it does not enter the registry."""

    def __init__(self):
        self.sketch, self.seeds = Sampling(0.4), []
        self.restore, self.contract = self.sketch.restore, self.sketch.contract
        self.saved_bytes = self.sketch.saved_bytes

    def among(self, alive):
        return self

    def compress(self, x, seed):
        self.seeds.append(seed)
        return self.sketch.compress(x, seed)


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(13, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 3))


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("pattern", list(product((False, True), repeat=3)), ids=str)
@pytest.mark.parametrize("leading", [(), (4,), (2, 3)], ids=str)
def test_linear_saves_its_closed_form_for_every_pattern(pattern, with_bias, leading):
    layer = randomize(nn.Linear(13, 5, bias=with_bias), "rad", keep=0.4).model
    needs_x, needs_weight, needs_bias = pattern
    layer.weight.requires_grad_(needs_weight)
    if with_bias:
        layer.bias.requires_grad_(needs_bias)
    x = torch.rand(*leading, 13, requires_grad=needs_x)
    with SavedBytesMeter(layer.parameters()) as meter:
        y = layer(x)
    assert meter.held_bytes == layer.saved_bytes(x)
    drawn = needs_x or needs_weight or (with_bias and needs_bias)
    assert (layer.seeds.calls, y.requires_grad) == (drawn, drawn)


@pytest.mark.parametrize("needs_x", [True, False])
def test_relu_saves_its_closed_form(needs_x):
    layer, x = BitReLU(), torch.rand(3, 7, requires_grad=needs_x)
    with SavedBytesMeter() as meter:
        y = layer(x)
    assert meter.held_bytes == layer.saved_bytes(x) == (3 if needs_x else 0)
    assert y.requires_grad == needs_x


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("training", [True, False])
def test_without_gradients_nothing_is_drawn(mode, training):
    recording = Recording()
    model = randomize(net(), Estimator(recording)).model.train(training)
    with mode():
        y = model(torch.rand(4, 13))
    assert y.grad_fn is None
    assert recording.seeds == []
    assert [stream.calls for stream in seed_streams(model).values()] == [0, 0, 0]


def test_evaluation_mode_with_gradients_keeps_a_sketch_all_the_same():
    recording = Recording()
    model, x = randomize(nn.Linear(13, 9), Estimator(recording)).model.eval(), torch.rand(4, 13)
    with SavedBytesMeter(model.parameters()) as meter:
        y = model(x)
    assert meter.held_bytes == model.saved_bytes(x) > 0
    assert (len(recording.seeds), y.requires_grad) == (1, True)


def test_every_layer_and_call_has_a_seed_of_its_own():
    recording = Recording()
    model = randomize(net(), Estimator(recording)).model
    for _ in range(10):
        model(torch.rand(4, 13))
    assert len(set(recording.seeds)) == len(recording.seeds) == 30


def test_a_layer_used_twice_in_one_pass_draws_twice():
    recording, shared = Recording(), nn.Linear(9, 9)
    model = randomize(nn.Sequential(shared, nn.ReLU(), shared), Estimator(recording)).model
    model(torch.rand(4, 9)).sum().backward()
    assert len(set(recording.seeds)) == 2
    assert list(seed_streams(model)) == ["0"]


def test_streams_resume_a_run_and_leave_the_global_generator_alone():
    model, x = randomize(net(), "rad").model, torch.rand(4, 13)
    before = torch.get_rng_state()
    gradients = []
    for calls in (0, 1, 0):
        for stream in seed_streams(model).values():
            stream.calls = calls
        gradients.append(torch.autograd.grad(model(x).sum(), model[0].weight)[0])
    assert torch.equal(gradients[0], gradients[2])
    assert not torch.equal(gradients[0], gradients[1])
    assert torch.equal(torch.get_rng_state(), before)


def test_reprs_show_the_sketch():
    model = randomize(net(), "rad_project", keep=0.25).model
    assert type(model[0]) is SketchedLinear
    assert repr(model[0]) == (
        "SketchedLinear(in_features=13, out_features=9, bias=True, sketch=Projection(keep=0.25))"
    )
    assert repr(model[1]) == "BitReLU()"
