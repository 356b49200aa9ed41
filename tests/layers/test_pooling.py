"""Lean pooling as modules: same values and gradients, fewer bytes, indices left to PyTorch."""

import pytest
import torch
from torch import nn

from radexp.config import CLASSIFICATION, options_for
from radexp.layers import randomize
from radexp.layers.base import LeanLayer
from radexp.layers.relu import BitReLU

LEAN = [name for name in options_for("estimator", CLASSIFICATION) if name != "exact"]
LINE, IMAGE = (3, 2, 11), (3, 2, 9, 8)
POOLS = [
    (nn.AvgPool1d, LINE, {"kernel_size": 3}),
    (nn.AvgPool1d, LINE, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    (nn.AvgPool1d, LINE, {"kernel_size": 3, "padding": 1, "count_include_pad": False}),
    (nn.AvgPool2d, IMAGE, {"kernel_size": 2}),
    (nn.AvgPool2d, IMAGE, {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
    (nn.AvgPool2d, IMAGE, {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    (nn.AvgPool2d, IMAGE, {"kernel_size": 3, "padding": 1, "count_include_pad": False}),
    (nn.AvgPool2d, IMAGE, {"kernel_size": 2, "divisor_override": 3}),
    (nn.MaxPool1d, LINE, {"kernel_size": 3}),
    (nn.MaxPool1d, LINE, {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}),
    (nn.MaxPool2d, IMAGE, {"kernel_size": 2}),
    (nn.MaxPool2d, IMAGE, {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1)}),
    (nn.MaxPool2d, IMAGE, {"kernel_size": 3, "stride": 2, "dilation": 2, "ceil_mode": True}),
]
each_pool = pytest.mark.parametrize(("kind", "shape", "settings"), POOLS, ids=str)
each_lean = pytest.mark.parametrize("name", LEAN)


def outcome(layer, x):
    leaf = x.clone().requires_grad_()
    y = layer(leaf)
    slope = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    return y.detach(), torch.autograd.grad(y, leaf, slope)[0]


@each_pool
@each_lean
@pytest.mark.parametrize("batched", [True, False], ids=["batch", "one example"])
def test_values_and_gradients_are_stock(kind, shape, settings, name, batched, twins):
    ours, stock = twins(kind(**settings), name)
    assert [type(ours)] == LeanLayer.registry[kind]
    assert isinstance(ours, kind)
    x = torch.randn(shape[0 if batched else 1 :])
    for our, their in zip(outcome(ours, x), outcome(stock, x), strict=True):
        assert torch.equal(our, their)


@each_pool
@each_lean
@pytest.mark.parametrize("needs_x", [True, False])
def test_predicted_bytes_are_measured(kind, shape, settings, name, needs_x, predicted_and_measured):
    for build in (
        lambda: kind(**settings),
        lambda: nn.Sequential(
            nn.Conv2d(2, 2, 1) if len(shape) == 4 else nn.Conv1d(2, 2, 1),
            nn.ReLU(),
            kind(**settings),
        ),
    ):
        predicted, measured = predicted_and_measured(build, shape, name, needs_x)
        _, stock = predicted_and_measured(build, shape, None, needs_x)
        assert predicted == measured <= stock


@each_pool
@each_lean
def test_a_pool_alone_keeps_next_to_nothing(kind, shape, settings, name):
    layer, x = randomize(kind(**settings), name).model, torch.randn(shape, requires_grad=True)
    codes = layer(x).numel()
    # A window of at most 9 entries takes at most 4 bits.
    assert layer.saved_bytes(x) <= (codes + 1) // 2
    assert (layer.saved_bytes(x) == 0) == issubclass(kind, (nn.AvgPool1d, nn.AvgPool2d))
    assert layer.saved_bytes(x.detach()) == 0


@each_pool
def test_exact_leaves_and_restores_stock(kind, shape, settings):
    layer = kind(**settings)
    keys = set(vars(layer))
    assert randomize(layer, "exact").converted == ()
    for name in LEAN:
        assert randomize(layer, name).converted == ("",)
        randomize(layer, "exact")
        assert type(layer) is kind
        assert set(vars(layer)) == keys


@pytest.mark.parametrize("kind", [nn.MaxPool1d, nn.MaxPool2d])
@each_lean
def test_a_pool_that_returns_indices_is_left_alone(kind, name):
    layer = kind(2, return_indices=True)
    assert randomize(layer, name).left_alone == ("",)
    assert type(layer) is kind
    _, indices = layer(torch.randn(2, 3, 8, 8) if kind is nn.MaxPool2d else torch.randn(2, 3, 8))
    assert indices.dtype == torch.int64


@each_lean
def test_other_pools_are_left_alone(name):
    net = nn.Sequential(
        nn.AdaptiveAvgPool2d(2), nn.LPPool2d(2, 2), nn.AvgPool3d(1), nn.MaxPool3d(1)
    )
    assert randomize(net, name).converted == ()


@pytest.mark.parametrize("pool", [nn.AvgPool2d, nn.MaxPool2d])
def test_small_batch_keeps_bits_of_a_relu_that_a_pool_follows(pool, predicted_and_measured):
    def build():
        return nn.Sequential(
            *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), pool(2)),
            *(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2)),
        )

    model = randomize(build(), "small_batch").model
    assert type(model[1]) is BitReLU
    assert [type(model[2])] == LeanLayer.registry[pool]
    # The second ReLU's output is what the linear layer keeps, so that it costs nothing.
    assert [type(model[i]) for i in (0, 3, 4, 6)] == [nn.Conv2d, nn.Conv2d, nn.ReLU, nn.Linear]
    predicted, measured = predicted_and_measured(build, (5, 3, 16, 16), "small_batch")
    floats = 3 * 256 + 4 * 64 + 4 * 64 + 2
    bits = 4 * 256 + (2 * 4 * 64 if pool is nn.MaxPool2d else 0)
    assert predicted == measured == 5 * (4 * floats + bits // 8)
    assert measured < predicted_and_measured(build, (5, 3, 16, 16), "exact")[1]


def test_exact_leaves_the_network_with_pools_alone():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2))
    assert randomize(net, "exact").converted == ()
    assert not any(isinstance(module, LeanLayer) for module in net)


@each_pool
@each_lean
def test_the_repr_is_stock_but_for_the_name(kind, shape, settings, name):
    ours = randomize(kind(**settings), name).model
    assert repr(ours) == "Lean" + repr(kind(**settings))
