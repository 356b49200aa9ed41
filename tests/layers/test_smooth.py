"""Smooth nonlinearities as modules: which are converted, and what a network of them holds."""

from itertools import product

import pytest
import torch
from torch import nn

from layers.randomize_cases import RANDOM, linears
from radexp.errors import UsageError
from radexp.layers import randomize, seed_streams
from radexp.layers.smooth import SketchedGELU, SketchedSigmoid, SketchedSiLU, SketchedTanh

BUILDS = {
    SketchedGELU: lambda: nn.GELU("tanh"),
    SketchedSiLU: lambda: nn.SiLU(inplace=True),
    SketchedTanh: nn.Tanh,
    SketchedSigmoid: nn.Sigmoid,
}
each_kind = pytest.mark.parametrize("lean", BUILDS, ids=lambda lean: lean.__name__)


@each_kind
@pytest.mark.parametrize("name", [*RANDOM, "exact", "small_batch"])
def test_rounding_alone_serves_a_derivative(lean, name):
    model = linears(BUILDS[lean](), nn.Dropout(0.5))
    report = randomize(model, name)
    served = name in ("rounding", "auto")
    assert (type(model[1]) is lean) == served == ("1" in report.converted)
    assert ("1" in report.left_alone) != served
    stock = linears(BUILDS[lean](), nn.Dropout(0.5))
    assert repr(randomize(model, "exact").model) == repr(stock)
    assert [vars(m).keys() for m in model.modules()] == [vars(m).keys() for m in stock.modules()]


def test_under_auto_derivatives_are_rounded_whatever_inputs_are():
    model = linears(nn.GELU())
    randomize(model, "auto", layer_keep={"0": 0.1})
    assert repr(model[1].sketch) == "Rounding(bits=2)"
    refusal = "layer_keep.1, which keeps a derivative: allowed is bits, as it is rounded; try esti"
    with pytest.raises(UsageError, match=refusal):
        randomize(model, "auto", layer_keep={"1": 0.1})


@each_kind
def test_where_pytorch_shares_the_output_with_what_follows_it_is_stock(lean):
    report = randomize(linears(BUILDS[lean](), nn.LayerNorm(9)), "rounding")
    keeps_input = lean in (SketchedGELU, SketchedSiLU)
    assert ("1" in report.converted) == keeps_input


@each_kind
@pytest.mark.parametrize(("bits", "needs_x"), [*product((1, 8), (True, False))])
def test_predicted_bytes_are_measured(lean, bits, needs_x, predicted_and_measured):
    def alone():
        return BUILDS[lean]() if lean is not SketchedSiLU else nn.SiLU()

    def between():
        return nn.Sequential(linears(BUILDS[lean]()), BUILDS[lean](), nn.Linear(9, 3))

    for build in (alone, between):
        predicted, measured = predicted_and_measured(build, (6, 13), "rounding", needs_x, bits=bits)
        assert predicted == measured
    assert measured < predicted_and_measured(between, (6, 13), None, needs_x)[1]


@each_kind
def test_values_are_stock_and_only_calls_with_gradients_draw(lean, twins):
    ours, stock = twins(BUILDS[lean](), "rounding", bits=2)
    x = torch.randn(6, 13)
    assert torch.equal(ours(x.clone()), stock(x.clone()))
    (stream,) = seed_streams(ours).values()
    assert stream.calls == 0
    leaf = x.clone().requires_grad_()
    assert torch.equal(ours(leaf * 1), stock(x.clone()))
    assert stream.calls == 1


def test_reprs_show_settings_and_sketch():
    assert [repr(randomize(m, "rounding", bits=3).model) for m in (nn.GELU("tanh"), nn.Tanh())] == [
        "SketchedGELU(approximate='tanh', sketch=Rounding(bits=3))",
        "SketchedTanh(sketch=Rounding(bits=3))",
    ]
