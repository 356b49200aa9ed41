"""The sketched linear map: exact where it should be, and keeping what it says."""

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops import sketched_linear
from radexp.ops.linear import sketched_linear_saved_bytes
from radexp.sketches import Exact, Projection, Sampling

D, OUT = 13, 5
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
LEADING = [(), (1,), (7,), (2, 3), (2, 1, 3), (0,), (2, 0)]
SKETCHES = [Exact(), Sampling(0.4), Sampling(0.4, shared=True), Projection(0.4)]
PATTERNS = list(product((False, True), repeat=3))

each_leading = pytest.mark.parametrize("leading", LEADING, ids=str)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_sketch = pytest.mark.parametrize("sketch", SKETCHES, ids=repr)
each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=str)
each_bias = pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])


def draw(shape, dtype=torch.float64, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(dtype)


def operands(leading=(7,), dtype=torch.float64, with_bias=True, pattern=(True,) * 3, device="cpu"):
    x, weight = draw((*leading, D), dtype, 0).to(device), draw((OUT, D), dtype, 1).to(device)
    bias = draw((OUT,), dtype, 2).to(device) if with_bias else None
    for tensor, needed in zip((x, weight, bias), pattern, strict=True):
        if tensor is not None:
            tensor.requires_grad_(needed)
    return x, weight, bias


def gradients(y, operands):
    wanted = [t for t in operands if t is not None and t.requires_grad]
    return torch.autograd.grad(y, wanted, draw(y.shape, y.dtype, seed=9).to(y)) if wanted else ()


@each_leading
@each_dtype
@each_bias
@each_pattern
def test_the_exact_sketch_equals_autograd(leading, dtype, with_bias, pattern, device):
    given = operands(leading, dtype, with_bias, pattern, device)
    y, stock = sketched_linear(*given, Exact(), 0), F.linear(*given)
    assert torch.equal(y, stock)
    assert y.requires_grad == stock.requires_grad
    # The same products in another order of summation: a few roundings of sums of size <= 40.
    tolerance = 40 * torch.finfo(dtype).eps
    for ours, theirs in zip(gradients(y, given), gradients(stock, given), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("leading", [(), (4,), (2, 3)], ids=str)
@each_bias
@each_pattern
def test_gradcheck_with_the_exact_sketch(leading, with_bias, pattern):
    given = operands(leading, with_bias=with_bias, pattern=pattern)
    if any(t is not None and t.requires_grad for t in given):
        assert torch.autograd.gradcheck(lambda *args: sketched_linear(*args, Exact(), 0), given)


@each_sketch
@each_leading
@each_dtype
def test_only_the_weight_gradient_is_estimated(sketch, leading, dtype, device):
    given = operands(leading, dtype, device=device)
    stock = F.linear(*given)
    y = sketched_linear(*given, sketch, 3)
    shape = (1, given[0].numel() // D, D)
    kept = sketch.compress(given[0].detach().view(shape), 3)
    of_x, of_weight, of_bias = gradients(y, given)
    assert torch.equal(y, stock)
    torch.testing.assert_close((of_x, of_bias), gradients(stock, given)[::2])
    g_GNO = draw(y.shape, dtype, seed=9).to(y).view(1, -1, OUT)
    assert torch.equal(of_weight, sketch.contract(g_GNO, kept, shape, 3))


@each_sketch
def test_the_seed_alone_decides_the_gradient(sketch, device):
    given = operands(device=device)
    draws = [gradients(sketched_linear(*given, sketch, seed), given)[1] for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert torch.equal(draws[0], draws[2]) == isinstance(sketch, Exact)


@each_sketch
@each_leading
@each_pattern
@each_bias
def test_saved_bytes_are_predicted_for_every_pattern(sketch, leading, pattern, with_bias):
    given = operands(leading, torch.float32, with_bias, pattern)
    with SavedBytesMeter([given[1]]) as meter:
        y = sketched_linear(*given, sketch, 0)
    wanted = sketched_linear_saved_bytes(given[0].shape, torch.float32, sketch)
    assert meter.held_bytes == meter.peak_bytes == (wanted if pattern[1] else 0)
    del y
    assert meter.held_bytes == 0


@each_sketch
@each_dtype
@each_leading
def test_saved_bytes_are_predicted_for_every_dtype(sketch, dtype, leading):
    given = operands(leading, dtype)
    with SavedBytesMeter([given[1]]) as meter:
        y = sketched_linear(*given, sketch, 0)
    assert meter.held_bytes == sketched_linear_saved_bytes(given[0].shape, dtype, sketch)
    assert y.dtype == dtype


def test_the_weight_is_kept_only_for_the_gradient_of_the_input():
    for needs_x in (True, False):
        given = operands(pattern=(needs_x, False, True))
        with SavedBytesMeter() as meter:
            y = sketched_linear(*given, Sampling(0.4), 0)
        assert meter.held_bytes == (OUT * D * 8 if needs_x else 0)
        assert y.requires_grad


STRIDED = {
    "input": lambda x, g: (x.t().contiguous().t(), g),
    "gradient": lambda x, g: (x, g.t().contiguous().t()),
    "expanded gradient": lambda x, g: (x, g[:1, :1].expand(g.shape)),
    "expanded input": lambda x, g: (x[:1].expand(x.shape), g),
}


@each_sketch
@pytest.mark.parametrize("strided", STRIDED.values(), ids=STRIDED)
def test_strides_do_not_matter(sketch, strided):
    _, weight, bias = operands()
    results = []
    for dense in (False, True):
        x, g = strided(draw((7, D)), draw((7, OUT), seed=9))
        x, g = (x.clone(memory_format=torch.contiguous_format), g.clone()) if dense else (x, g)
        y = sketched_linear(x.requires_grad_(), weight, bias, sketch, 0)
        results.append(torch.autograd.grad(y, (x, weight, bias), g))
    torch.testing.assert_close(*results)


class Counting:
    """Counts the draws of a sketch, without entering the registry of sketches."""

    def __init__(self):
        self.sketch, self.compressed = Sampling(0.4), 0

    def compress(self, x, seed):
        self.compressed += 1
        return self.sketch.compress(x, seed)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_the_stock_function_and_draws_nothing(mode):
    given, sketch = operands(), Counting()
    with mode():
        y = sketched_linear(*given, sketch, 0)
        assert torch.equal(y, F.linear(*given))
    assert y.grad_fn is None
    assert sketch.compressed == 0


def test_changing_the_kept_input_in_place_is_noticed():
    x, weight, bias = operands(pattern=(False, True, True))
    y = sketched_linear(x, weight, bias, Exact(), 0)
    x.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@each_sketch
def test_backward_twice_raises_as_in_pytorch(sketch):
    given = operands()
    for y in (F.linear(*given).sum(), sketched_linear(*given, sketch, 0).sum()):
        y.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            y.backward()


@each_sketch
def test_a_retained_graph_gives_the_same_gradient_again(sketch):
    given = operands()
    y = sketched_linear(*given, sketch, 0).pow(2).sum()
    first = torch.autograd.grad(y, given, retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(y, given)))


@each_sketch
def test_double_backward_is_refused(sketch):
    given = operands()
    y = sketched_linear(*given, sketch, 0).pow(2).sum()
    (gradient,) = torch.autograd.grad(y, given[0], create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.sum().backward()


@each_sketch
def test_no_tensor_bypasses_save_for_backward(sketch):
    grad_fn = sketched_linear(*operands(), sketch, 0).grad_fn
    attributes = [*vars(grad_fn).values(), *vars(grad_fn.sketch).values()]
    assert "sketch" in vars(grad_fn)
    assert not any(isinstance(value, torch.Tensor) for value in attributes)
