"""A sequence that joins neighbours gives what its modules give one by one, in less memory."""

import copy

import pytest
import torch
from torch import nn

from radexp.layers import linear, randomize, sequential
from radexp.layers.relu import BitReLU
from radexp.layers.sequential import LeanSequential
from radexp.memory import SavedBytesMeter
from radexp.memory.peak import StepPeak

NETS = {
    "conv, relu, pool": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 3, 3), nn.ReLU()
    ),
    "pool with overlap": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(3, stride=2, padding=1)
    ),
    "pool with a divisor": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2, divisor_override=3)
    ),
    "pool beyond the edge": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AvgPool2d(4, ceil_mode=True)
    ),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU()), nn.ReLU(), nn.AvgPool2d(2)
    ),
    "relu twice": lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.ReLU(), nn.ReLU()),
    "relu first": lambda: nn.Sequential(nn.ReLU(), nn.AvgPool2d(2)),
    "linear": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(256, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU()
    ),
    "linear, its output a view": lambda: nn.Sequential(nn.Linear(16, 9), nn.ReLU()),
    "line": lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(2, 3, 3), nn.ReLU(), nn.AvgPool1d(2)),
}

each_net = pytest.mark.parametrize("name", NETS)


def image(seed=0):
    return torch.randn(3, 2, 8, 16, generator=torch.Generator().manual_seed(seed))


def outcome(forward, net):
    """Return values, gradients and bytes held; the same seeds are drawn in every call."""
    randomize(net, "rad", keep=0.4)
    x = image().requires_grad_()
    with SavedBytesMeter(net.parameters()) as meter:
        y = forward(net, x)
    held = meter.held_bytes
    g = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return [y.detach(), *torch.autograd.grad(y, [x, *net.parameters()], g)], held


def one_by_one(net, x):
    for module in net:
        x = one_by_one(module, x) if isinstance(module, nn.Sequential) else module(x)
    return x


@each_net
def test_it_is_the_modules_one_by_one(name):
    torch.manual_seed(0)
    net = NETS[name]()
    (joined, held), (single, held_single) = (
        outcome(forward, copy.deepcopy(net)) for forward in (lambda net, x: net(x), one_by_one)
    )
    assert all(torch.equal(a, b) for a, b in zip(joined, single, strict=True))
    assert held == held_single


def spy(monkeypatch):
    calls = []
    for place, name in (
        (sequential, "relu_avg_pool2d"),
        (sequential, "bit_relu_"),
        (linear, "relu_linear"),
    ):
        op = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *a, op=op, name=name: calls.append(name) or op(*a))
    return calls


@pytest.mark.parametrize(
    ("name", "wanted"),
    {
        "conv, relu, pool": ["relu_avg_pool2d", "bit_relu_"],
        "pool with overlap": ["bit_relu_"],
        "pool with a divisor": ["bit_relu_"],
        "pool beyond the edge": ["bit_relu_"],
        "nested": ["bit_relu_", "relu_avg_pool2d"],
        "relu twice": [],  # the first two are stock: what follows keeps their output
        "relu first": ["relu_avg_pool2d"],
        "linear": ["relu_linear", "bit_relu_"],
        "linear, its output a view": [],
        "line": [],
    }.items(),
)
def test_what_is_joined(name, wanted, monkeypatch):
    calls = spy(monkeypatch)
    randomize(NETS[name](), "rad", keep=0.4).model(image().requires_grad_())
    assert calls == wanted


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    "register",
    ["register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"],
)
def test_hooks_see_what_they_see_in_the_stock_network(position, register):
    torch.manual_seed(0)
    stock = NETS["conv, relu, pool"]()
    ours = randomize(copy.deepcopy(stock), "rad", keep=0.4).model
    seen = []
    for net in (stock, ours):
        getattr(net[position], register)(lambda *a: seen.append(a[-1]))
        net(image().requires_grad_()).sum().backward()
    theirs, our = (t[0] if isinstance(t, tuple) else t for t in seen)
    assert torch.equal(our, theirs)


def test_without_gradients_nothing_is_joined(monkeypatch):
    calls, net = spy(monkeypatch), randomize(NETS["conv, relu, pool"](), "rad").model
    with torch.no_grad():
        net(image())
    assert calls == []


def test_the_small_batch_pools_at_once_too(monkeypatch):
    calls = spy(monkeypatch)
    randomize(NETS["conv, relu, pool"](), "small_batch").model(image())
    assert calls == ["relu_avg_pool2d"]


def test_exact_restores_the_stock_class():
    net = NETS["nested"]()
    randomize(net, "rad")
    assert [type(m) for m in (net, net[0])] == [LeanSequential] * 2
    randomize(net, "exact")
    assert [type(m) for m in (net, net[0], net[1])] == [nn.Sequential, nn.Sequential, nn.ReLU]


def test_a_sequence_of_ones_own_keeps_its_class_and_works():
    class Own(nn.Sequential):
        pass

    net = randomize(Own(nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 2)), "rad").model
    assert type(net) is Own
    assert type(net[1]) is BitReLU
    net(image()).sum().backward()


def peak_of(net):
    x = torch.randn(8, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    meter = SavedBytesMeter(net.parameters())
    with StepPeak(net, optimizer, [x], meter) as peak, meter:
        net(x).square().sum().backward()
    return peak.peak_bytes["total"]


def test_the_peak_holds_one_large_tensor_and_not_two():
    def build():
        return nn.Sequential(nn.Conv2d(2, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2))

    activation = 8 * 16 * 32 * 32 * 4
    joined = randomize(build(), "rad", keep=0.05).model
    single = randomize(build(), "rad", keep=0.05).model
    single.__class__ = nn.Sequential
    assert peak_of(joined) < 1.7 * activation
    assert peak_of(single) > 2 * activation


def test_an_in_place_relu_before_a_pooling_still_writes_over_its_input():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 2, 3, padding=1)
    tail = nn.Sequential(nn.ReLU(inplace=True), nn.AvgPool2d(2))
    net = nn.ModuleList([conv, tail])
    x = torch.randn(3, 1, 8, 8)

    def total():
        h = conv(x)
        pooled = tail(h)
        return h.sum() + pooled.sum()  # h is what the ReLU left of it

    expected = total()
    randomize(net, "small_batch")
    assert type(tail) is LeanSequential
    torch.testing.assert_close(total(), expected, rtol=0, atol=0)


def test_a_pooling_window_that_does_not_fit_is_refused_as_by_pytorch():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.AvgPool2d(16))
    randomize(net, "rad", keep=0.5)
    with pytest.raises(RuntimeError, match="Output size is too small"):
        net(torch.randn(2, 1, 8, 8))
