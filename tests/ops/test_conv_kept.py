"""The sketched convolution: what it keeps, for how long, and how autograd may use it."""

import pytest
import torch
from conv_cases import (
    IMAGE,
    LAYOUTS,
    C,
    any_sketch,
    each_bias,
    each_dtype,
    each_pattern,
    each_sketch,
    gradients,
    operands,
)
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops.conv import sketched_conv2d, sketched_conv2d_saved_bytes
from radexp.sketches import Exact, Projection, Sampling


@any_sketch
@each_pattern
@each_bias
def test_saved_bytes_are_predicted_for_every_pattern(sketch, pattern, with_bias):
    given = operands(torch.float32, with_bias, pattern)
    with SavedBytesMeter([given[1]]) as meter:
        y = sketched_conv2d(*given, sketch, 0)
    wanted = sketched_conv2d_saved_bytes(given[0].shape, torch.float32, sketch)
    assert meter.held_bytes == meter.peak_bytes == (wanted if pattern[1] else 0)
    del y
    assert meter.held_bytes == 0


@any_sketch
@each_dtype
@pytest.mark.parametrize("shape", [IMAGE, (1, C, 3, 2), (0, C, 5, 5), (2, C, 3, 11)], ids=str)
@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels last"])
def test_saved_bytes_are_predicted_for_every_dtype_and_layout(sketch, dtype, shape, last):
    x, weight, bias = operands(dtype, shape=shape)
    x = LAYOUTS["channels last"](x) if last else x
    with SavedBytesMeter([weight]) as meter:
        y = sketched_conv2d(x, weight, bias, sketch, 0)
    assert meter.held_bytes == sketched_conv2d_saved_bytes(x.shape, dtype, sketch)
    assert y.dtype == dtype


def test_the_closed_form_counts_what_is_kept_of_each_channel():
    shape = torch.Size((150, 16, 32, 32))
    assert sketched_conv2d_saved_bytes(shape, torch.float32, Exact()) == 4 * 150 * 16 * 1024
    for sketch in (Sampling(0.1), Sampling(0.1, shared=True), Projection(0.1)):
        assert sketched_conv2d_saved_bytes(shape, torch.float32, sketch) == 4 * 150 * 16 * 103


@each_sketch
@pytest.mark.parametrize("needs_x", [True, False])
def test_nothing_holds_on_to_the_input(sketch, needs_x):
    leaf, weight, bias = operands(pattern=(needs_x, True, True))
    x = leaf * 2
    gone = torch.multiprocessing.reductions.StorageWeakRef(x.untyped_storage())
    y = sketched_conv2d(x, weight, bias, sketch, 0)
    del x
    assert gone.expired()
    assert y.requires_grad


def test_the_weight_is_kept_only_for_the_gradient_of_the_input():
    for needs_x in (True, False):
        given = operands(pattern=(needs_x, False, True))
        with SavedBytesMeter() as meter:
            y = sketched_conv2d(*given, Sampling(0.4), 0)
        assert meter.held_bytes == (given[1].nbytes if needs_x else 0)
        assert y.requires_grad


class Counting:
    """Counts the draws of a sketch, without entering the registry of sketches."""

    def __init__(self):
        self.sketch, self.compressed = Sampling(0.4), 0
        self.restore, self.entries = self.sketch.restore, self.sketch.entries
        self.saved_bytes = self.sketch.saved_bytes

    def compress(self, x, seed):
        self.compressed += 1
        return self.sketch.compress(x, seed)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_the_stock_function_and_draws_nothing(mode):
    given, sketch = operands(), Counting()
    with mode():
        y = sketched_conv2d(*given, sketch, 0, padding=(1, 2))
        assert torch.equal(y, F.conv2d(*given, padding=(1, 2)))
    assert y.grad_fn is None
    assert sketch.compressed == 0
    gradients(sketched_conv2d(*given, sketch, 0), given)
    assert sketch.compressed == 1


def test_changing_the_kept_input_in_place_is_noticed():
    x, weight, bias = operands(pattern=(False, True, True))
    y = sketched_conv2d(x, weight, bias, Exact(), 0)
    x.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@any_sketch
def test_backward_twice_raises_and_a_retained_graph_gives_the_same_again(sketch):
    given = operands()
    y = sketched_conv2d(*given, sketch, 0).pow(2).sum()
    first = torch.autograd.grad(y, given, retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(y, given)))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


@any_sketch
def test_double_backward_is_refused(sketch):
    given = operands()
    y = sketched_conv2d(*given, sketch, 0).pow(2).sum()
    (gradient,) = torch.autograd.grad(y, given[0], create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.sum().backward()


@any_sketch
def test_under_autocast_the_sketch_has_the_precision_of_the_input(sketch):
    given = operands(torch.float32)
    with torch.autocast("cpu", torch.bfloat16), SavedBytesMeter([given[1]]) as meter:
        y = sketched_conv2d(*given, sketch, 0)
    assert y.dtype == torch.bfloat16
    assert meter.held_bytes == sketched_conv2d_saved_bytes(given[0].shape, torch.float32, sketch)
    assert [gradient.dtype for gradient in gradients(y, given)] == [torch.float32] * 3


@any_sketch
def test_no_tensor_bypasses_save_for_backward(sketch):
    grad_fn = sketched_conv2d(*operands(), sketch, 0).grad_fn
    attributes = [*vars(grad_fn).values(), *vars(grad_fn.sketch).values()]
    assert not any(isinstance(value, torch.Tensor) for value in attributes)
