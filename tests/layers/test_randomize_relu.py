"""The bridge and ReLU: lean where that keeps less, and never where it keeps more."""

import copy

import pytest
import torch
from torch import nn

from layers.randomize_cases import each_random, gradients, linears
from radexp.layers import Estimator, randomize
from radexp.layers.relu import BitReLU
from radexp.memory.meter import SavedBytesMeter
from radexp.sketches import Sampling


def saved_bytes(model):
    with SavedBytesMeter(model.parameters()) as meter:
        y = model(torch.rand(6, 13, requires_grad=True))
    assert y.requires_grad
    return meter.peak_bytes


BEFORE_MASK = [
    ((nn.ReLU(), nn.Dropout(0.5)), ("1", "2")),
    ((nn.ReLU(), nn.ReLU(), nn.Dropout(0.5)), ("2", "3")),
    ((nn.ReLU(),), ()),
    ((nn.ReLU(), nn.LayerNorm(9)), ()),
    ((nn.Dropout(0.5), nn.ReLU()), ("1",)),
    ((nn.ReLU(), nn.Flatten(), nn.Dropout(0.5)), ("1", "3")),
    ((nn.ReLU(), nn.Dropout(0.0)), ()),
]


@pytest.mark.parametrize(("between", "converted"), BEFORE_MASK, ids=str)
def test_with_an_exact_sketch_relu_is_lean_only_before_a_mask(between, converted):
    model = linears(*copy.deepcopy(between))
    stock = saved_bytes(model)
    assert randomize(model, "small_batch").converted == converted
    assert saved_bytes(model) < stock if converted else saved_bytes(model) == stock
    assert randomize(model, "small_batch", lean=False).converted == ()


def one_relu_twice():
    relu = nn.ReLU()
    return nn.Sequential(
        *(nn.Linear(13, 9), relu, nn.Dropout(0.5), nn.Linear(9, 999), relu, nn.Linear(999, 9))
    )


def one_relu_twice_the_mask_last():
    relu = nn.ReLU()
    return nn.Sequential(
        *(nn.Linear(13, 999), relu, nn.Linear(999, 9), relu, nn.Dropout(0.5), nn.Linear(9, 9))
    )


def linear_in_a_block(*last):
    return nn.Sequential(nn.Linear(13, 99), nn.ReLU(), nn.Sequential(nn.Linear(99, 9)), *last)


NEVER_MORE = {
    "small_batch, one relu used twice": ("small_batch", one_relu_twice),
    "small_batch, the mask last": ("small_batch", one_relu_twice_the_mask_last),
    "small_batch, a block before the mask": (
        "small_batch",
        lambda: linear_in_a_block(nn.Dropout(0.5)),
    ),
    "small_batch, dropout at 0": ("small_batch", lambda: linears(nn.ReLU(), nn.Dropout(0.0))),
    "rad, nothing but ReLU before a norm": (
        "rad",
        lambda: nn.Sequential(nn.ReLU(), nn.LayerNorm(13)),
    ),
}


@pytest.mark.parametrize(("name", "build"), NEVER_MORE.values(), ids=NEVER_MORE)
def test_lean_never_keeps_more_than_stock(name, build):
    stock = saved_bytes(build())
    assert saved_bytes(randomize(build(), name).model) <= stock


@each_random
def test_relu_before_a_block_is_lean_whatever_follows_the_block(name):
    for last in ((), (nn.LayerNorm(9),), (nn.Dropout(0.5),)):
        assert "1" in randomize(linear_in_a_block(*last), name).converted


def test_lean_relu_takes_an_inplace_relu_over():
    model = linears(nn.ReLU(inplace=True))
    stock = gradients(model)
    randomize(model, Estimator(Sampling(0.999, replacement=False)))
    assert type(model[1]) is BitReLU
    torch.testing.assert_close(gradients(model), stock)
