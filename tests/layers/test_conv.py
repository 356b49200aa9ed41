"""Sketched convolutions as modules: every way to pad, one and two dimensions, undone by exact."""

import pytest
import torch
from torch import nn

from radexp.config import CLASSIFICATION, load_estimator_config, options_for
from radexp.layers import Estimator, randomize
from radexp.layers.conv import SketchedConv1d, SketchedConv2d
from radexp.memory import SavedBytesMeter
from radexp.sketches import Exact, Sampling

RANDOM = [
    name
    for name in options_for("estimator", CLASSIFICATION)
    if load_estimator_config(name).free == "keep"
]
# PyTorch warns that it copies the input of an even kernel's padding="same".
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")

PADS = [
    {},
    {"padding": 2},
    {"padding": "valid"},
    {"padding": "same"},
    {"padding": "same", "dilation": 2},
    {"padding": "same", "kernel_size": 4},
    {"padding": "same", "kernel_size": 2, "dilation": 3},
    *({"padding": 2, "padding_mode": mode} for mode in ("circular", "reflect", "replicate")),
    *({"padding": "same", "padding_mode": mode} for mode in ("circular", "reflect")),
    {"padding": "same", "padding_mode": "circular", "kernel_size": 4},
]
OTHERS = [
    {"stride": 2},
    {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
    {"bias": False},
    {"kernel_size": 1},
]
PAIRS = [
    {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)},
    {"kernel_size": (4, 3), "padding": "same"},
    {"kernel_size": (3, 2), "padding": (2, 1), "padding_mode": "circular"},
]
KINDS = {1: (nn.Conv1d, SketchedConv1d, (3, 4, 12)), 2: (nn.Conv2d, SketchedConv2d, (3, 4, 9, 8))}
GRID = [(d, settings) for d in KINDS for settings in PADS + OTHERS + (PAIRS if d == 2 else [])]

each = pytest.mark.parametrize(("dimensions", "settings"), GRID, ids=str)
each_batched = pytest.mark.parametrize("batched", [True, False], ids=["batch", "one example"])
each_random = pytest.mark.parametrize("name", RANDOM)


def build(dimensions, settings):
    torch.manual_seed(0)
    return KINDS[dimensions][0](4, 6, **{"kernel_size": 3, **settings})


def image(dimensions, batched=True, dtype=torch.float64):
    shape = KINDS[dimensions][2][0 if batched else 1 :]
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def outcome(layer, x):
    """Return values and gradients of the input and all parameters."""
    leaf = x.clone().requires_grad_()
    y = layer(leaf)
    slope = torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=y.dtype)
    return y.detach(), torch.autograd.grad(y, [leaf, *layer.parameters()], slope)


@each
@each_batched
@pytest.mark.parametrize("keep", [0.1, 0.6])
def test_values_and_all_but_the_weight_gradient_are_stock(
    dimensions, settings, batched, keep, twins
):
    ours, stock = twins(build(dimensions, settings).double(), keep=keep)
    assert type(ours) is KINDS[dimensions][1]
    (y, (of_x, of_weight, *of_bias)), (stock_y, stock_grads) = (
        outcome(layer, image(dimensions, batched)) for layer in (ours, stock)
    )
    # Sums of at most 3 * 13 * 12 products of numbers of order 1.
    close = {"rtol": 1e-11, "atol": 1e-11}
    torch.testing.assert_close(y, stock_y, **close)
    torch.testing.assert_close((of_x, *of_bias), (stock_grads[0], *stock_grads[2:]), **close)
    assert of_weight.shape == stock_grads[1].shape
    assert not torch.allclose(of_weight, stock_grads[1], rtol=1e-2)


def sketch_exactly(layer):
    """Put the exact sketch in a layer that stays sketched."""
    randomize(layer, Estimator(Sampling(0.5)))
    layer.sketch = Exact()
    return layer


@each
@each_batched
def test_what_is_sketched_is_what_the_convolution_sees(dimensions, settings, batched, twins):
    stock = build(dimensions, settings).double()
    ours = sketch_exactly(build(dimensions, settings).double())
    results = [outcome(layer, image(dimensions, batched)) for layer in (ours, stock)]
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dimensions", KINDS)
def test_gradcheck_with_the_exact_sketch(dimensions):
    layer = sketch_exactly(build(dimensions, {"padding": "same", "groups": 2}).double())
    x = image(dimensions)[:1].requires_grad_()

    def op(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), x)

    names, parameters = zip(*layer.named_parameters(), strict=True)
    assert torch.autograd.gradcheck(op, (x, *parameters), fast_mode=True)


@each
@each_batched
def test_predicted_bytes_are_measured(dimensions, settings, batched, predicted_and_measured):
    shape, counts = image(dimensions, batched).shape, []
    for name in RANDOM:
        counts.append(
            predicted_and_measured(
                lambda: build(dimensions, settings), shape, name, needs_x=True, keep=0.3
            )
        )
    assert all(predicted == measured > 0 for predicted, measured in counts)


@pytest.mark.parametrize("dimensions", KINDS)
@pytest.mark.parametrize("needs_weight", [True, False])
@pytest.mark.parametrize("needs_x", [True, False])
def test_the_closed_form_is_what_the_layer_keeps(dimensions, needs_weight, needs_x):
    layer = randomize(build(dimensions, {"padding": "same"}), "rad", keep=0.3).model
    layer.weight.requires_grad_(needs_weight)
    x = image(dimensions, dtype=torch.float32).requires_grad_(needs_x)
    with SavedBytesMeter(layer.parameters()) as meter:
        y = layer(x)
    assert meter.held_bytes == layer.saved_bytes(x)
    # 12 rows of K = ceil(0.3 * 12) or ceil(0.3 * 72) numbers.
    kept = {1: 4, 2: 22}[dimensions]
    assert meter.held_bytes == (4 * 12 * kept if needs_weight else 0)
    assert y.requires_grad


NETS = {
    "lines": lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), nn.Conv1d(6, 2, 3)),
    "images": lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Conv2d(6, 2, 3)),
}


@each_random
@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
@pytest.mark.parametrize("undo", ["exact", "keep = 1"])
def test_exact_restores_the_stock_classes_and_keys_never_change(name, make, undo):
    net = make()
    kinds, keys = [type(layer) for layer in net], [set(vars(layer)) for layer in net]
    state, parameters = list(net.state_dict()), list(net.parameters())
    assert randomize(net, name, keep=0.2).converted == ("0", "1", "2")
    assert not set(map(type, net)) & set(kinds)
    assert list(net.state_dict()) == state
    assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
    randomize(net, "exact") if undo == "exact" else randomize(net, name, keep=1, lean=False)
    assert [type(layer) for layer in net] == kinds
    assert [set(vars(layer)) for layer in net] == keys


@pytest.mark.parametrize("dimensions", KINDS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_nothing_is_drawn(dimensions, mode, twins):
    ours, stock = twins(build(dimensions, {"padding": "same"}))
    with mode():
        x = image(dimensions, dtype=torch.float32)
        assert torch.equal(ours(x), stock(x))
    assert ours.seeds.calls == 0
    ours(x.clone())
    assert ours.seeds.calls == 1


@each_random
def test_the_repr_shows_the_sketch(name):
    layer = randomize(nn.Conv2d(4, 6, 3, stride=2), name, keep=0.2).model
    assert repr(layer).startswith("SketchedConv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), sketch=")


def test_other_convolutions_are_left_alone():
    net = nn.Sequential(nn.Conv3d(2, 2, 1), nn.ConvTranspose2d(2, 2, 1), nn.Conv2d(2, 2, 1))
    assert randomize(net, "rad").converted == ("2",)


def test_an_input_of_wrong_channels_is_refused_in_pytorchs_words(twins):
    for layer in twins(build(2, {})):
        with pytest.raises(RuntimeError, match="to have 4 channels, but got 5 channels instead"):
            layer(torch.ones(2, 5, 9, 9))
