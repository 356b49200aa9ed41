"""Dropout kept as bits equals PyTorch's own under the same state of its generator."""

import math

import pytest
import torch
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops.dropout import bit_dropout, bit_dropout_saved_bytes

DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SHAPES = [(), (0,), (1,), (7,), (8,), (9,), (5, 13), (2, 3, 4, 5)]
PROBABILITIES = [0, 0.0, 0.1, 0.3, 0.5, 0.9, 0.999, 1 - 2**-30, 1.0, 1]

each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_p = pytest.mark.parametrize("p", PROBABILITIES)
each_training = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


@pytest.fixture(autouse=True)
def generator_state():
    with torch.random.fork_rng(devices=[]):
        yield


def draw(shape, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def outcome(op, x, p, training):
    torch.manual_seed(7)
    leaf = x.detach().requires_grad_()
    y = op(leaf * 1, p, training)
    (gradient,) = torch.autograd.grad(y, leaf, draw(y.shape, y.dtype, seed=1))
    return y.detach(), gradient, torch.rand(3)  # and where the generator stands afterwards


def assert_equals_pytorch(x, p, training=True):
    outcomes = (outcome(op, x, p, training) for op in (bit_dropout, F.dropout))
    for our, their in zip(*outcomes, strict=True):
        assert (our.shape, our.dtype) == (their.shape, their.dtype)
        torch.testing.assert_close(our, their, rtol=0, atol=0, equal_nan=True)


@each_dtype
@each_shape
@each_p
@each_training
def test_equals_pytorch(shape, dtype, p, training):
    assert_equals_pytorch(draw(shape, dtype), p, training)


@each_p
def test_equals_pytorch_where_numbers_are_special(p):
    assert_equals_pytorch(torch.tensor([math.nan, math.inf, -math.inf, -0.0, 1e-45] * 20), p)


LAYOUTS = {
    "transposed": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "strided": lambda x: torch.stack([x, x + 9], -1)[..., 0],
    "expanded": lambda x: x[:1, :, :1].expand(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_equals_pytorch_for_any_layout(layout):
    assert_equals_pytorch(layout(draw((2, 3, 5, 7))), 0.4)


@each_dtype
@each_shape
@each_p
@each_training
def test_saved_bytes_are_predicted_and_never_more_than_pytorch_keeps(shape, dtype, p, training):
    held = []
    for op in (bit_dropout, F.dropout):
        x = draw(shape, dtype).requires_grad_()
        with SavedBytesMeter() as meter:
            y = op(x, p, training)
        held.append(meter.held_bytes)
        del y
    assert held[0] == bit_dropout_saved_bytes(torch.Size(shape), dtype, p, training) <= held[1]


def test_keeps_one_bit_an_entry_where_pytorch_keeps_32():
    assert bit_dropout_saved_bytes(torch.Size([1000]), torch.float32, 0.5) == 125


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_gradcheck(p):
    def draw_again(x):
        torch.manual_seed(0)
        return bit_dropout(x, p)

    x = draw((40,), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(draw_again, x)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_fraction_of_zeros_is_p(p):
    torch.manual_seed(0)
    count = 100_000
    zeros = (bit_dropout(torch.ones(count, requires_grad=True), p) == 0).double().mean().item()
    # Five standard deviations of a binomial share.
    assert abs(zeros - p) < 5 * math.sqrt(p * (1 - p) / count)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_the_stock_function(mode):
    assert bit_dropout(draw((9,))).grad_fn is None
    with mode():
        assert not bit_dropout(draw((9,)).requires_grad_()).requires_grad


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        bit_dropout(draw((9,)).requires_grad_(), p)


def test_nothing_holds_on_to_the_input_or_a_mask_of_numbers():
    leaf = draw((9,)).requires_grad_()
    x = leaf * 2
    alive = torch.multiprocessing.reductions.StorageWeakRef(x.untyped_storage())
    y = bit_dropout(x, 0.5)
    del x
    assert alive.expired()
    assert not any(isinstance(value, torch.Tensor) for value in vars(y.grad_fn).values())
    assert [t.dtype for t in y.grad_fn.saved_tensors] == [torch.uint8]


def test_a_retained_graph_can_be_used_again():
    x = draw((50,)).requires_grad_()
    y = bit_dropout(x).sum()
    first = torch.autograd.grad(y, x, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(y, x, retain_graph=True)[0], first)


def test_double_backward_is_refused():
    x = draw((9,)).requires_grad_()
    (gradient,) = torch.autograd.grad(bit_dropout(x).pow(2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.sum().backward()
