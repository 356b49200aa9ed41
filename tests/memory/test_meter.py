"""The meter counts storages: each once, whole, and for as long as autograd holds it."""

import gc

import pytest
import torch
from torch import nn

from radexp.memory import SavedBytesMeter
from radexp.memory.meter import storage_key


def leaf(*shape: int) -> torch.Tensor:
    return torch.ones(shape, requires_grad=True)


@pytest.mark.parametrize(
    ("forward", "saved_bytes"),
    [
        (lambda x: x + 1, 0),
        (lambda x: x.exp(), 400),
        (lambda x: x * x, 400),  # saved twice, stored once
        (lambda x: x.sin() + x.cos(), 400),
        (lambda x: x.exp() + x.exp(), 800),
        (lambda x: x[:1] * x[:1], 400),  # a view holds its whole storage
        (lambda x: x.t() * x[3, 4], 400),
        (lambda x: x.exp().exp(), 800),
        (lambda x: x.detach().sin(), 0),
    ],
)
def test_storages_count_once_and_whole(forward, saved_bytes):
    x = leaf(10, 10)
    with SavedBytesMeter() as meter:
        y = forward(x)
    assert (meter.held_bytes, meter.peak_bytes) == (saved_bytes, saved_bytes)
    del y


@pytest.mark.parametrize("saves", ["its input", "its output"])
def test_a_graph_dropped_without_backward_is_released(saves):
    x = leaf(100)
    with SavedBytesMeter() as meter:
        y = x.sin() if saves == "its input" else x.exp()
    assert meter.held_bytes == 400
    del y
    gc.collect()
    assert meter.held_bytes == 0


def test_parameters_are_apart_and_views_of_them_too():
    layer, x = nn.Linear(5, 3), leaf(7, 5)
    with SavedBytesMeter() as every, SavedBytesMeter(layer.parameters()) as meter:
        y = layer(x)
    assert (meter.peak_bytes, every.peak_bytes) == (7 * 5 * 4, 0)  # the innermost meter counts
    with SavedBytesMeter() as every:
        y = layer(x)
    assert every.peak_bytes == 7 * 5 * 4 + 3 * 5 * 4
    del y


def test_backward_releases_and_the_peak_stays():
    x = leaf(100)
    with SavedBytesMeter() as meter:
        y = x.exp().sum()
        assert meter.held_keys() == [meter.held_keys()[0]]
        y.backward()
    assert (meter.held_bytes, meter.peak_bytes, meter.held_keys()) == (0, 400, [])


def test_a_retained_graph_is_held_and_a_double_backward_holds_more():
    x = leaf(100)
    with SavedBytesMeter() as meter:
        y = x.sin().sum()
        y.backward(retain_graph=True)
        assert meter.held_bytes == 400
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        assert meter.held_bytes > 400
    del y, slope
    assert meter.held_bytes == 0


def test_graphs_one_after_the_other_do_not_add_up():
    x = leaf(100)
    with SavedBytesMeter() as meter:
        for _ in range(5):
            x.exp().sum().backward()
    assert meter.peak_bytes == 400


def test_nested_meters_count_their_own_and_survive_graphs_freed_early():
    x = leaf(100)
    with SavedBytesMeter() as outer:
        first = x.sin()
        with SavedBytesMeter() as inner:
            inside = (x.cos() * torch.ones(100)).sum()
            del first  # the outer meter's graph goes while the inner one is active
            assert (outer.held_bytes, inner.held_bytes) == (0, 800)
        del inside
        last = x.sin()
    assert (inner.held_bytes, inner.peak_bytes) == (0, 800)
    assert (outer.held_bytes, outer.peak_bytes) == (400, 400)
    del last


def test_pause_leaves_tensors_uncounted_until_resume():
    x = leaf(100)
    with SavedBytesMeter() as meter:
        meter.pause()
        y = x.exp()
        meter.resume()
        z = y.exp()
    assert meter.peak_bytes == 400
    z.sum().backward()
    assert x.grad is not None
    assert meter.held_bytes == 0


def test_gradients_are_those_without_a_meter():
    x = leaf(50)
    (x.sin() * x).sum().backward()
    metered = leaf(50)
    with SavedBytesMeter():
        (metered.sin() * metered).sum().backward()
    assert torch.equal(x.grad, metered.grad)


def test_an_error_inside_takes_the_hooks_down():
    x, meter = leaf(100), SavedBytesMeter()
    with pytest.raises(ZeroDivisionError), meter:
        raise ZeroDivisionError
    y = x.exp()
    assert meter.peak_bytes == 0
    del y


def test_meta_tensors_count_without_memory():
    with torch.device("meta"):
        x = leaf(10**6, 10**6)
        with SavedBytesMeter() as meter:
            y = x.exp()
    assert meter.peak_bytes == 4 * 10**12
    assert repr(meter) == "SavedBytesMeter(held_bytes=4000000000000, peak_bytes=4000000000000)"
    del y


def test_views_share_a_key_and_copies_do_not():
    x = torch.ones(10)
    assert storage_key(x) == storage_key(x[3:]) != storage_key(x.clone())
