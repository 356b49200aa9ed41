"""The sketched convolution: its numbers, exact where they should be, by the seed elsewhere."""

import pytest
import torch
from conv_cases import (
    DTYPES,
    LAYOUTS,
    C,
    any_sketch,
    draw,
    each_bias,
    each_dtype,
    each_pattern,
    each_sketch,
    gradients,
    operands,
)
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from radexp.ops import conv
from radexp.ops.conv import sketched_conv2d
from radexp.sketches import Exact, Sampling

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
each_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


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
def test_the_exact_sketch_equals_autograd(settings, dtype, with_bias, pattern, device):
    given = operands(dtype, with_bias, pattern, settings.get("groups", 1), device=device)
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
    g = draw(y.shape, y.dtype, seed=9).to(y)
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
def test_only_the_weight_gradient_is_estimated(sketch, settings, dtype, device):
    given = operands(dtype, groups=settings.get("groups", 1), device=device)
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
def test_the_seed_alone_decides_the_gradient(sketch, device):
    given, before = operands(device=device), torch.get_rng_state()
    draws = [gradients(sketched_conv2d(*given, sketch, seed), given)[1] for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert torch.equal(draws[0], draws[2]) == isinstance(sketch, Exact)
    assert torch.equal(torch.get_rng_state(), before)
