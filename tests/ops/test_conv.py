"""The sketched convolution: exact where it should be, and keeping what it says."""

from itertools import product

import pytest
import torch
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from radexp.memory.meter import SavedBytesMeter
from radexp.ops import conv
from radexp.ops.conv import sketched_conv2d, sketched_conv2d_saved_bytes
from radexp.sketches import Exact, Projection, Sampling

N, C, O = 3, 4, 8  # noqa: E741
IMAGE = (N, C, 9, 8)
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SETTINGS = {
    "plain": {},
    "stride": {"stride": (2, 3)},
    "padding": {"padding": (2, 1)},
    "padding beyond the kernel": {"padding": (4, 5)},
    "dilation": {"dilation": (2, 3), "padding": (1, 2)},
    "groups": {"groups": 2},
    "depthwise": {"groups": 4, "padding": (1, 1)},
    "all": {"stride": (2, 1), "padding": (1, 3), "dilation": (1, 2), "groups": 2},
}
SKETCHES = [
    Sampling(0.1),
    Sampling(0.1, shared=True),
    Sampling(0.1, replacement=False),
    Sampling(0.1, shared=True, replacement=False),
    Sampling(0.6),
    Sampling(0.6, shared=True),
    Sampling(0.6, replacement=False),
    Projection(0.1),
    Projection(0.6),
]
PATTERNS = list(product((False, True), repeat=3))

each_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_sketch = pytest.mark.parametrize("sketch", SKETCHES, ids=repr)
any_sketch = pytest.mark.parametrize("sketch", [Exact(), *SKETCHES], ids=repr)
each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=str)
each_bias = pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])


def draw(shape, dtype=torch.float64, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(dtype)


def operands(dtype=torch.float64, with_bias=True, pattern=(True,) * 3, groups=1, shape=IMAGE):
    x = draw(shape, dtype, 0)
    weight = draw((O, C // groups, 3, 2), dtype, 1)
    bias = draw((O,), dtype, 2) if with_bias else None
    for tensor, needed in zip((x, weight, bias), pattern, strict=True):
        if tensor is not None:
            tensor.requires_grad_(needed)
    return x, weight, bias


def gradients(y, operands):
    wanted = [t for t in operands if t is not None and t.requires_grad]
    return torch.autograd.grad(y, wanted, draw(y.shape, y.dtype, seed=9)) if wanted else ()


def weight_gradient(x, g, shape, settings):
    return conv2d_weight(
        x,
        shape,
        g,
        settings.get("stride", 1),
        settings.get("padding", 0),
        settings.get("dilation", 1),
        settings.get("groups", 1),
    )


def restored(sketch, x, seed):
    """Return the estimate of x that the seed stands for, in x's own shape."""
    shape = (1, x.shape[0] * x.shape[1], x.shape[2] * x.shape[3])
    kept = sketch.compress(x.detach().reshape(shape), seed)
    return sketch.restore(kept, shape, seed).view(x.shape)


@each_setting
@each_dtype
@each_bias
@each_pattern
def test_the_exact_sketch_equals_autograd(settings, dtype, with_bias, pattern):
    given = operands(dtype, with_bias, pattern, settings.get("groups", 1))
    y, stock = sketched_conv2d(*given, Exact(), 0, **settings), F.conv2d(*given, **settings)
    assert torch.equal(y, stock)
    assert (y.requires_grad, y.dtype) == (stock.requires_grad, dtype)
    # The same sums, of at most N H' W' = 3 * 15 * 17 products of normal numbers, with one rounding
    # each at most; in bfloat16 they are added up in float32 and rounded in the end.
    terms = 1000 if dtype is not torch.bfloat16 else 2
    for ours, theirs in zip(gradients(y, given), gradients(stock, given), strict=True):
        scale = theirs.abs().max().item()
        tolerance = terms * torch.finfo(dtype).eps * scale
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


@each_setting
@each_bias
def test_gradcheck_with_the_exact_sketch(settings, with_bias):
    given = operands(with_bias=with_bias, groups=settings.get("groups", 1), shape=(2, C, 6, 7))

    def op(*args):
        return sketched_conv2d(*args, Exact(), 0, **settings)

    assert torch.autograd.gradcheck(op, given, fast_mode=True)


@each_pattern
def test_gradcheck_for_every_pattern(pattern):
    given = operands(pattern=pattern, shape=(1, C, 4, 3))
    if any(pattern):
        assert torch.autograd.gradcheck(lambda *args: sketched_conv2d(*args, Exact(), 0), given)


def assert_only_the_weight_gradient_is_estimated(sketch, given, seed, settings):
    y, stock = sketched_conv2d(*given, sketch, seed, **settings), F.conv2d(*given, **settings)
    assert torch.equal(y, stock)
    of_x, of_weight, of_bias = gradients(y, given)
    exact_x, exact_weight, exact_bias = gradients(stock, given)
    g = draw(y.shape, y.dtype, seed=9)
    xhat = restored(sketch, given[0], seed)
    by_hand = weight_gradient(xhat, g, given[1].shape, settings)
    # As above, but products with xhat, which are up to H W / K = 10 times as large, and absolute
    # sums instead of the largest result.
    absolute = weight_gradient(xhat.abs(), g.abs(), given[1].shape, settings)
    eps = torch.finfo(y.dtype).eps
    assert ((of_weight - by_hand).abs() <= 1000 * eps * absolute).all()
    for ours, theirs in ((of_x, exact_x), (of_bias, exact_bias)):
        scale = theirs.abs().max().item()
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1000 * eps * scale)
    assert not torch.allclose(of_weight, exact_weight, rtol=1e-3)


@each_sketch
@each_setting
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_only_the_weight_gradient_is_estimated(sketch, settings, dtype):
    given = operands(dtype, groups=settings.get("groups", 1))
    assert_only_the_weight_gradient_is_estimated(sketch, given, 3, settings)


@each_sketch
@each_setting
def test_bfloat16_is_estimated_as_in_float64_up_to_rounding(sketch, settings):
    given = operands(torch.bfloat16, groups=settings.get("groups", 1))
    y = sketched_conv2d(*given, sketch, 3, **settings)
    _, of_weight, _ = gradients(y, given)
    g, xhat = draw(y.shape, y.dtype, seed=9).double(), restored(sketch, given[0], 3).double()
    by_hand = weight_gradient(xhat, g, given[1].shape, settings)
    # float32 sums of bfloat16 products, rounded once; a few roundings more where PyTorch sums in
    # parts.
    absolute = weight_gradient(xhat.abs(), g.abs(), given[1].shape, settings)
    assert of_weight.dtype == torch.bfloat16
    assert ((of_weight.double() - by_hand).abs() <= 4 * 2**-8 * absolute).all()


@pytest.mark.parametrize(
    ("sketch", "compiled"),
    [(Sampling(0.1), True), (Sampling(0.1, shared=True), True), (Sampling(0.6), False)],
    ids=repr,
)
def test_few_positions_take_the_compiled_path(sketch, compiled, monkeypatch):
    calls, products = [], conv.sparse_window_products
    monkeypatch.setattr(
        conv, "sparse_window_products", lambda *args: calls.append(args) or products(*args)
    )
    for dtype in DTYPES:
        given = operands(dtype)
        gradients(sketched_conv2d(*given, sketch, 0), given)
    # bfloat16 has no compiled loop.
    assert len(calls) == (2 if compiled else 0)


def test_the_compiled_and_the_dense_path_agree(monkeypatch):
    given, results = operands(), []
    for bound in (0, 1):
        monkeypatch.setattr(conv, "SPARSE_BELOW", bound)
        results.append(gradients(sketched_conv2d(*given, Sampling(0.4), 0), given)[1])
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-11)


LAYOUTS = {
    "channels last": lambda t: t.contiguous(memory_format=torch.channels_last),
    "transposed": lambda t: t.transpose(2, 3).contiguous().transpose(2, 3),
    "strided": lambda t: torch.stack([t, t + 9], -1)[..., 0],
    "examples inside": lambda t: t.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
    "expanded": lambda t: t[:1, :, :1].expand(t.shape),
}


@any_sketch
@pytest.mark.parametrize("which", ["input", "gradient", "weight", "all"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_strides_do_not_matter(sketch, which, layout):
    x, weight, bias = operands()
    g, results = draw(F.conv2d(x, weight).shape, seed=9), []
    for dense in (False, True):
        tensors = {"input": x.detach(), "gradient": g, "weight": weight.detach()}
        for name in tensors if which == "all" else [which]:
            strided = layout(tensors[name])
            tensors[name] = (
                strided.clone(memory_format=torch.contiguous_format) if dense else strided
            )
        leaves = tensors["input"].requires_grad_(), tensors["weight"].requires_grad_(), bias
        y = sketched_conv2d(*leaves, sketch, 0)
        results.append((y, *torch.autograd.grad(y, leaves, tensors["gradient"])))
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-11)


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


@any_sketch
def test_the_seed_alone_decides_the_gradient(sketch):
    given, before = operands(), torch.get_rng_state()
    draws = [gradients(sketched_conv2d(*given, sketch, seed), given)[1] for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert torch.equal(draws[0], draws[2]) == isinstance(sketch, Exact)
    assert torch.equal(torch.get_rng_state(), before)


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
