"""The sketched eager loop, and which recurrent modules are converted and restored."""

import pytest
import torch
from torch import nn

from layers.recurrent_cases import (
    CLOSE,
    HIDDEN,
    INPUTS,
    build,
    each_random,
    each_start,
    inputs,
    sketch_exactly,
)
from radexp.eager import EagerRNN
from radexp.errors import UsageError
from radexp.layers import randomize
from radexp.layers.recurrent import SketchedEagerRNN, SketchedRNN
from radexp.memory import SavedBytesMeter
from radexp.sketches import Exact, Sampling

pytestmark = pytest.mark.usefixtures("generator_state")

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
    assert repr(net).startswith(f"Sketched{stock.__name__}(6, 10")
    assert "sketch=" in repr(net)
    randomize(net, "exact") if undo == "exact" else randomize(net, name, keep=1)
    assert type(net) is stock
    assert set(vars(net)) == keys


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
        with pytest.raises(UsageError, match=r"input of shape \(4, 3\): allowed is \(N, T, 6\)"):
            net(torch.zeros(4, 3))
        with pytest.raises(UsageError, match=r"initial state of shape \(5,\): allowed is \(2, 10"):
            net(torch.zeros(2, 4, INPUTS), torch.zeros(5))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_eager_loop_without_gradients_draws_nothing(mode, twins):
    ours, stock = twins(EagerRNN(INPUTS, HIDDEN))
    with mode():
        assert torch.equal(ours(torch.ones(2, 5, 6)), stock(torch.ones(2, 5, 6)))
    assert ours.seeds.calls == 0


def test_other_recurrent_modules_are_left_alone():
    net = nn.ModuleList([nn.LSTM(3, 4), nn.GRU(3, 4), nn.RNNCell(3, 4)])
    assert randomize(net, "rad").converted == ()
