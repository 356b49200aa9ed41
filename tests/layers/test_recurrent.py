"""Sketched recurrent modules: any depth and direction, as nn.RNN."""

from itertools import product

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from layers.recurrent_cases import (
    CLOSE,
    HIDDEN,
    INPUTS,
    ROWS,
    STEPS,
    build,
    each_kind,
    each_random,
    each_start,
    inputs,
    sketch_exactly,
)
from radexp.layers import Estimator, randomize
from radexp.layers.recurrent import SketchedRNN
from radexp.sketches import Sampling

pytestmark = pytest.mark.usefixtures("generator_state")

SETTINGS = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in product((1, 3), (False, True), (False, True), (True, False))
]
each_setting = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: str([*s.values()]))
each_batched = pytest.mark.parametrize("batched", [True, False], ids=["batch", "one example"])


def outcome(net, x, start):
    """Return states, and gradients of inputs, start and parameters by name."""
    torch.manual_seed(3)  # for dropout
    leaves = {"x": x.clone().requires_grad_()}
    if start is not None:
        leaves["start"] = start.clone().requires_grad_()
    outputs, last = net(*leaves.values())
    leaves |= dict(net.named_parameters())
    torch.manual_seed(2)
    slopes = [torch.randn_like(outputs), torch.randn_like(last)]
    found = torch.autograd.grad([outputs, last], [*leaves.values()], slopes)
    return (outputs.detach(), last.detach()), dict(zip(leaves, found, strict=True))


@each_setting
@each_kind
@each_batched
@each_start
def test_what_is_sketched_is_what_the_stock_module_multiplies(
    settings, nonlinearity, batched, with_start
):
    ours = sketch_exactly(build(nonlinearity, **settings).double())
    stock = build(nonlinearity, **settings).double()
    assert type(ours) is SketchedRNN
    given = inputs(stock, batched, with_start)
    torch.testing.assert_close(outcome(ours, *given), outcome(stock, *given), **CLOSE)


@each_setting
@each_kind
@each_random
def test_only_weight_gradients_are_estimated(settings, nonlinearity, name, twins):
    ours, stock = twins(build(nonlinearity, **settings).double(), name, keep=0.3)
    given = inputs(stock)
    (values, grads), (stock_values, stock_grads) = (outcome(n, *given) for n in (ours, stock))
    torch.testing.assert_close(values, stock_values, **CLOSE)
    for key, gradient in grads.items():
        kept_whole = nonlinearity == "tanh" and "weight_hh" in key
        if "weight" in key and not kept_whole:
            assert not torch.allclose(gradient, stock_grads[key], rtol=1e-2), key
        else:
            torch.testing.assert_close(gradient, stock_grads[key], **CLOSE)


@each_kind
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_dropout_between_layers_is_that_of_the_stock_module(nonlinearity, training, bidirectional):
    settings = {"num_layers": 3, "dropout": 0.4, "bidirectional": bidirectional}
    ours = sketch_exactly(build(nonlinearity, **settings).double()).train(training)
    stock = build(nonlinearity, **settings).double().train(training)
    given = inputs(stock)
    torch.testing.assert_close(outcome(ours, *given), outcome(stock, *given), **CLOSE)


@each_setting
@each_kind
@pytest.mark.parametrize(("dropout", "training"), [(0, True), (0.3, True), (0.3, False)])
def test_predicted_bytes_are_measured(
    settings, nonlinearity, dropout, training, predicted_and_measured
):
    if dropout and settings["num_layers"] == 1:
        return

    def make():
        return build(nonlinearity, dropout=dropout, **settings).train(training)

    predicted, measured = predicted_and_measured(make, inputs(make())[0].shape, "rad", keep=0.3)
    assert predicted == measured > 0


@each_random
@each_batched
@pytest.mark.parametrize("needs_x", [True, False])
@pytest.mark.parametrize("keep", [0.1, 0.5])
def test_predicted_bytes_are_measured_for_every_estimator(
    name, batched, needs_x, keep, predicted_and_measured
):
    def make():
        return build(num_layers=2, bidirectional=True, batch_first=True, dropout=0.3)

    shape = inputs(make(), batched)[0].shape
    predicted, measured = predicted_and_measured(make, shape, name, needs_x, keep=keep)
    assert predicted == measured > 0


FROZEN = [("weight_ih_l0",), ("weight_hh_l0",), ("_l0",), ("_l1",), ("weight",), ("bias",)]


@pytest.mark.parametrize("frozen", FROZEN, ids=str)
@pytest.mark.parametrize("needs_x", [True, False])
@each_kind
def test_predicted_bytes_are_measured_with_frozen_parameters(
    frozen, needs_x, nonlinearity, predicted_and_measured
):
    def make():
        net = build(nonlinearity, num_layers=2, dropout=0.3, bidirectional=True)
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(not any(part in name for part in frozen))
        return net

    predicted, measured = predicted_and_measured(make, (STEPS, ROWS, INPUTS), "rad", needs_x)
    assert predicted == measured


@each_setting
def test_layers_directions_and_calls_have_seeds_of_their_own(settings):
    class Recording:
        def __init__(self):
            self.sketch, self.seeds = Sampling(0.4), []

        def __getattr__(self, name):
            return getattr(self.sketch, name)

        def among(self, alive):
            return self

        def compress(self, x_GND, seed):
            self.seeds.append(seed)
            return self.sketch.compress(x_GND, seed)

    recording = Recording()
    net = randomize(build(**settings), Estimator(recording)).model
    for _ in range(3):
        net(*inputs(net, dtype=torch.float32))
    passes = settings["num_layers"] * (2 if settings["bidirectional"] else 1)
    assert len(set(recording.seeds)) == len(recording.seeds) == 3 * 2 * passes
    assert net.seeds.calls == 3


@each_kind
def test_a_packed_sequence_is_left_to_the_stock_module(nonlinearity, twins):
    ours, stock = twins(build(nonlinearity))
    packed = pack_sequence([torch.randn(5, INPUTS), torch.randn(2, INPUTS)])
    results = []
    for net in (ours, stock):
        outputs, last = net(packed)
        loss = outputs.data.square().sum() + last.sum()
        results.append((outputs.data, last, *torch.autograd.grad(loss, [*net.parameters()])))
    for our, their in zip(*results, strict=True):
        assert torch.equal(our, their)
    assert (ours.seeds.calls, ours.saved_bytes(packed)) == (0, 0)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_nothing_is_drawn(mode, twins):
    ours, stock = twins(build(num_layers=2))
    given = inputs(stock, dtype=torch.float32)
    with mode():
        assert all(map(torch.equal, ours(*given), stock(*given)))
    assert (ours.seeds.calls, ours(*given)[0].requires_grad, ours.seeds.calls) == (0, True, 1)


WRONG_STARTS = [(1, 1, HIDDEN), (2, ROWS, HIDDEN), (1, ROWS, HIDDEN - 1), (ROWS, HIDDEN)]


@pytest.mark.parametrize("shape", WRONG_STARTS, ids=str)
def test_states_that_do_not_fit_are_refused_as_by_the_stock_module(shape, twins):
    for net in twins(build()):
        x, _ = inputs(net, dtype=torch.float32)
        with pytest.raises(
            RuntimeError, match=r"hidden size|hx should also be 3-D|cannot be multiplied"
        ):
            net(x, torch.zeros(shape))


@pytest.mark.parametrize("shape", [(STEPS, ROWS, INPUTS + 1), (0, ROWS, INPUTS)], ids=str)
def test_inputs_that_do_not_fit_are_refused_as_by_the_stock_module(shape, twins):
    for net in twins(build()):
        words = r"input.size\(-1\) must be equal|sequence length|cannot be multiplied"
        with pytest.raises(RuntimeError, match=words):
            net(torch.zeros(shape))
