"""Sketched recurrent modules: any depth and direction, as nn.RNN, undone by exact."""

from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from radexp.config import CLASSIFICATION, load_estimator_config, options_for
from radexp.eager import EagerRNN
from radexp.errors import UsageError
from radexp.layers import Estimator, randomize
from radexp.layers.recurrent import SketchedEagerRNN, SketchedRNN
from radexp.memory import SavedBytesMeter
from radexp.sketches import Exact, Sampling

RANDOM = [
    name
    for name in options_for("estimator", CLASSIFICATION)
    if load_estimator_config(name).free == "keep"
]
STEPS, ROWS, INPUTS, HIDDEN = 6, 4, 4, 10
SETTINGS = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in product((1, 3), (False, True), (False, True), (True, False))
]

each_setting = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: str([*s.values()]))
each_kind = pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
each_random = pytest.mark.parametrize("name", RANDOM)
each_batched = pytest.mark.parametrize("batched", [True, False], ids=["batch", "one example"])
each_start = pytest.mark.parametrize("with_start", [True, False], ids=["given start", "zeros"])
# Sums of about 10 products of numbers of order 1, carried through 3 layers of 6 steps.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}


@pytest.fixture(autouse=True)
def generator_state():
    with torch.random.fork_rng(devices=[]):
        yield


def build(nonlinearity="relu", **settings):
    torch.manual_seed(0)
    return nn.RNN(INPUTS, HIDDEN, nonlinearity=nonlinearity, **settings)


def inputs(net, batched=True, with_start=True, dtype=torch.float64):
    """Return a sequence and the states to start from, or None."""
    torch.manual_seed(1)
    rows = [ROWS] if batched else []
    shape = [*rows, STEPS, INPUTS] if net.batch_first or not batched else [STEPS, ROWS, INPUTS]
    start = (net.num_layers * (2 if net.bidirectional else 1), *rows, HIDDEN)
    return torch.randn(shape, dtype=dtype), torch.randn(start, dtype=dtype) if with_start else None


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


def sketch_exactly(net):
    """Put the exact sketch in a layer that stays sketched."""
    randomize(net, Estimator(Sampling(0.5)))
    net.sketch = Exact()
    return net


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


MODULES = {"stock": build, "eager": lambda: EagerRNN(INPUTS, HIDDEN, nonlinearity="relu")}
LEAN_CLASSES = {"stock": SketchedRNN, "eager": SketchedEagerRNN}


@each_random
@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("undo", ["exact", "keep = 1"])
def test_exact_restores_the_stock_class_and_keys_never_change(name, kind, undo):
    net = MODULES[kind]()
    stock, keys, state = type(net), set(vars(net)), list(net.state_dict())
    assert randomize(net, name, keep=0.3).converted == ("",)
    assert type(net) is LEAN_CLASSES[kind]
    assert list(net.state_dict()) == state
    assert repr(net).startswith(f"Sketched{stock.__name__}(4, 10")
    assert "sketch=" in repr(net)
    randomize(net, "exact") if undo == "exact" else randomize(net, name, keep=1)
    assert type(net) is stock
    assert set(vars(net)) == keys


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


def loops():
    """Return a sketched eager loop, with the exact sketch, and a stock one."""
    torch.manual_seed(0)
    stock = EagerRNN(INPUTS, HIDDEN, nonlinearity="relu").double()
    ours = EagerRNN(INPUTS, HIDDEN, nonlinearity="relu").double()
    ours.load_state_dict(stock.state_dict())
    return sketch_exactly(ours), stock


@each_start
@pytest.mark.parametrize("sketch", [Exact(), Sampling(0.3)], ids=repr)
def test_the_eager_loop_under_a_sketch_is_the_eager_loop(with_start, sketch):
    ours, stock = loops()
    ours.sketch = sketch
    assert type(ours) is SketchedEagerRNN
    results = []
    for net in (ours, stock):
        x, start = inputs(net, True, with_start)
        x, start = x.requires_grad_(), start[0].requires_grad_() if with_start else None
        last = net(x, start)
        leaves = {"x": x, **dict(net.named_parameters()), **({"h0": start} if with_start else {})}
        found = torch.autograd.grad(last.square().sum(), [*leaves.values()])
        results.append((last, dict(zip(leaves, found, strict=True))))
    (last, grads), (stock_last, stock_grads) = results
    torch.testing.assert_close(last, stock_last, **CLOSE)
    for key, gradient in grads.items():
        if "weight" in key and isinstance(sketch, Sampling):
            assert not torch.allclose(gradient, stock_grads[key], rtol=1e-2)
        else:
            torch.testing.assert_close(gradient, stock_grads[key], **CLOSE)


@each_random
@each_start
@pytest.mark.parametrize("keep", [0.1, 0.9])
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_the_eager_loop_keeps_its_closed_form_and_no_more_than_stock(
    name, with_start, keep, nonlinearity, twins
):
    ours, stock = twins(EagerRNN(INPUTS, HIDDEN, nonlinearity=nonlinearity), name, keep=keep)
    held = []
    for net in (ours, stock):
        x, start = inputs(net, True, with_start, torch.float32)
        given = (x,) if start is None else (x, start[0])
        with SavedBytesMeter(net.parameters()) as meter:
            last = net(*given)
        held.append(meter.held_bytes)
        assert last.requires_grad
    assert held[0] == ours.saved_bytes(*given) <= held[1]


def test_the_eager_loop_refuses_what_it_refuses_without_sketches(twins):
    for net in twins(EagerRNN(INPUTS, HIDDEN)):
        with pytest.raises(UsageError, match=r"input of shape \(4, 3\): allowed is \(N, T, 4\)"):
            net(torch.zeros(4, 3))
        with pytest.raises(UsageError, match=r"initial state of shape \(5,\): allowed is \(2, 10"):
            net(torch.zeros(2, 4, 4), torch.zeros(5))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_eager_loop_without_gradients_draws_nothing(mode, twins):
    ours, stock = twins(EagerRNN(INPUTS, HIDDEN))
    with mode():
        assert torch.equal(ours(torch.ones(2, 5, 4)), stock(torch.ones(2, 5, 4)))
    assert ours.seeds.calls == 0


def test_other_recurrent_modules_are_left_alone():
    net = nn.ModuleList([nn.LSTM(3, 4), nn.GRU(3, 4), nn.RNNCell(3, 4)])
    assert randomize(net, "rad").converted == ()
