"""ReLU kept as bits equals PyTorch's own, bit for bit."""

import math

import pytest
import torch
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops import bit_relu
from radexp.ops.relu import bit_relu_saved_bytes

DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SHAPES = [(), (0,), (3, 0, 2), (1,), (7,), (8,), (9,), (5, 13), (2, 3, 4, 5)]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, -1e-45, 5e-324, 1e-40, 1.0, -1.0]

each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def draw(shape, dtype=torch.float32, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(dtype)


def bits_of(tensor):
    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}
    return tensor.contiguous().view(integers[tensor.itemsize])


def values_and_gradients(op, x, g):
    leaf = x.detach().requires_grad_()
    y = op(leaf)
    y.backward(g)
    return y.detach(), leaf.grad


def assert_equals_pytorch(x, g):
    ours, theirs = values_and_gradients(bit_relu, x, g), values_and_gradients(F.relu, x, g)
    for our, their in zip(ours, theirs, strict=True):
        assert (our.shape, our.dtype) == (their.shape, their.dtype)
        assert torch.equal(bits_of(our), bits_of(their))


@each_dtype
@each_shape
def test_equals_pytorch_for_any_shape(shape, dtype, device):
    x, g = (draw(shape, dtype, seed).to(device) for seed in (0, 1))
    assert_equals_pytorch(x, g)


@each_dtype
def test_equals_pytorch_where_numbers_are_special(dtype):
    x, g = torch.cartesian_prod(*[torch.tensor(SPECIAL, dtype=dtype)] * 2).unbind(1)
    assert_equals_pytorch(x.contiguous(), g.contiguous())


LAYOUTS = {
    "contiguous": lambda t: t,
    "transposed": lambda t: t.transpose(0, 1).contiguous().transpose(0, 1),
    "channels last": lambda t: t.contiguous(memory_format=torch.channels_last),
    "strided": lambda t: torch.stack([t, t + 9], -1)[..., 0],
    "expanded": lambda t: t[:1, :, :1].expand(t.shape),
    "offset": lambda t: torch.cat([t.flatten()[:1], t.flatten()])[1:].view(t.shape),
}


@pytest.mark.parametrize("of_x", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("of_g", LAYOUTS.values(), ids=LAYOUTS)
def test_equals_pytorch_for_any_layout(of_x, of_g):
    assert_equals_pytorch(of_x(draw((2, 3, 5, 7))), of_g(draw((2, 3, 5, 7), seed=1)))


@each_dtype
@each_shape
def test_keeps_one_bit_an_entry(shape, dtype):
    x = draw(shape, dtype).requires_grad_()
    with SavedBytesMeter() as meter:
        y = bit_relu(x)
    assert meter.held_bytes == bit_relu_saved_bytes(x.shape) == math.ceil(math.prod(shape) / 8)
    assert y.grad_fn is not None


def test_the_output_may_be_changed_in_place():
    x = draw((9,)).requires_grad_()
    bit_relu(x).mul_(2).sum().backward()
    assert torch.equal(x.grad, 2.0 * (x > 0))


def test_gradients_are_left_as_they_were():
    x, g = draw((9,)).requires_grad_(), draw((9,), seed=1)
    bit_relu(x).backward(g)
    assert torch.equal(g, draw((9,), seed=1))


def test_without_gradients_it_is_the_stock_function():
    x = draw((9,))
    assert bit_relu(x).grad_fn is None
    with torch.no_grad():
        assert bit_relu(x.requires_grad_()).grad_fn is None
    with torch.inference_mode():
        assert torch.equal(bit_relu(x), F.relu(x))


def test_backward_twice_raises_as_in_pytorch():
    for op in (F.relu, bit_relu):
        y = op(draw((9,)).requires_grad_()).sum()
        y.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            y.backward()


def test_a_retained_graph_can_be_used_again():
    x = draw((9,)).requires_grad_()
    y = bit_relu(x).sum()
    first = torch.autograd.grad(y, x, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(y, x)[0], first)


def test_double_backward_is_refused():
    x = draw((9,)).requires_grad_()
    (gradient,) = torch.autograd.grad(bit_relu(x).pow(2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.sum().backward()


def test_no_tensor_bypasses_save_for_backward():
    grad_fn = bit_relu(draw((9,)).requires_grad_()).grad_fn
    assert not any(isinstance(value, torch.Tensor) for value in vars(grad_fn).values())
    assert [t.dtype for t in grad_fn.saved_tensors] == [torch.uint8]
