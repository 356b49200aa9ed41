"""Lean pooling equals PyTorch's own, bit for bit, and keeps next to nothing."""

import math
from itertools import product

import pytest
import torch
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter
from radexp.ops.pooling import (
    lean_avg_pool1d,
    lean_avg_pool2d,
    lean_avg_pool_saved_bytes,
    lean_max_pool1d,
    lean_max_pool1d_saved_bytes,
    lean_max_pool2d,
    lean_max_pool2d_saved_bytes,
)

OPS = {  # ours, theirs, what a shape and the settings keep
    "avg1d": (lean_avg_pool1d, F.avg_pool1d, lambda s, **_: lean_avg_pool_saved_bytes(s)),
    "avg2d": (lean_avg_pool2d, F.avg_pool2d, lambda s, **_: lean_avg_pool_saved_bytes(s)),
    "max1d": (lean_max_pool1d, F.max_pool1d, lean_max_pool1d_saved_bytes),
    "max2d": (lean_max_pool2d, F.max_pool2d, lean_max_pool2d_saved_bytes),
}
SIZES = [
    *({"kernel_size": k} for k in (1, 2, 3, 4)),
    {"kernel_size": 2, "stride": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
]
PAIRS = [
    {"kernel_size": (2, 3)},
    {"kernel_size": [3, 1], "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": (3,), "stride": (2,), "padding": (1,)},
]
AVG = [{"kernel_size": 3, "padding": 1, "count_include_pad": False}]
DIVISOR = [{"kernel_size": 3, "padding": 1, "divisor_override": 5}]
DILATED = [
    {"kernel_size": 2, "stride": 1, "dilation": 3},
    {"kernel_size": 3, "stride": 1, "padding": 1, "dilation": 2, "ceil_mode": True},
]
SETTINGS = {
    "avg1d": SIZES + AVG + [{"kernel_size": (3,), "stride": [2]}],
    "avg2d": SIZES + PAIRS + AVG + DIVISOR,
    "max1d": SIZES + DILATED + [{"kernel_size": (3,), "stride": [2], "dilation": (2,)}],
    "max2d": SIZES + PAIRS + DILATED + [{"kernel_size": (2, 2), "dilation": (1, 4)}],
}
SHAPES = {1: [(3, 2, 11), (2, 9), (0, 3, 8)], 2: [(3, 2, 9, 11), (2, 8, 9), (0, 3, 8, 8)]}
GRID = [(n, settings, s) for n in OPS for settings in SETTINGS[n] for s in SHAPES[int(n[3])]]

each = pytest.mark.parametrize(("name", "settings", "shape"), GRID, ids=str)
each_dtype = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str
)
each_op = pytest.mark.parametrize("name", OPS)
SIMPLE = {"1": (3, 2, 11), "2": (3, 2, 9, 11)}


def draw(shape, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def values_and_gradients(op, x, settings):
    leaf = x.detach().requires_grad_()
    y = op(leaf, **settings)
    # Not to leaf.grad, which autograd may lay out anew.
    (gradient,) = torch.autograd.grad(y, leaf, draw(y.shape, y.dtype, seed=1).to(y))
    return y.detach(), gradient


def assert_equals_pytorch(name, x, settings):
    ours, theirs, _ = OPS[name]
    results = (values_and_gradients(op, x, settings) for op in (ours, theirs))
    for our, their in zip(*results, strict=True):
        assert (our.shape, our.dtype, our.stride()) == (their.shape, their.dtype, their.stride())
        torch.testing.assert_close(our, their, rtol=0, atol=0, equal_nan=True)


@each
@each_dtype
def test_equals_pytorch(name, settings, shape, dtype, device):
    assert_equals_pytorch(name, draw(shape, dtype).to(device), settings)


@each
def test_equals_pytorch_among_ties_nan_and_infinities(name, settings, shape):
    few = torch.tensor([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf])
    for seed, choices in product(range(3), (2, 3, 4, 6)):
        chosen = torch.randint(choices, shape, generator=torch.Generator().manual_seed(seed))
        assert_equals_pytorch(name, few[chosen], settings)
    assert_equals_pytorch(name, torch.full(shape, -math.inf), settings)


LAYOUTS = {
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "strided": lambda x: torch.stack([x, x + 9], -1)[..., 0],
    "expanded": lambda x: x[:1, :, :1].expand(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(3, 2, 9, 11), (2, 1, 6, 6), (2, 5, 4, 4)], ids=str)
@pytest.mark.parametrize("name", ["avg2d", "max2d"])
def test_equals_pytorch_for_any_layout(name, shape, layout):
    for settings in SIZES:
        assert_equals_pytorch(name, LAYOUTS[layout](draw(shape)), settings)


@pytest.mark.parametrize("kernel", [(2, 2), (3, 3), (2, 3), (1, 17), (20, 20)], ids=str)
@pytest.mark.parametrize("width", [32, 63, 256])
@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels last"])
def test_equals_pytorch_where_the_backward_pass_goes_in_parts(kernel, width, last, monkeypatch):
    monkeypatch.setattr("radexp.ops.max_pooling._PART", 1)  # eight examples at a time
    x = draw((19, 3, 23, width))
    x = LAYOUTS["channels last"](x) if last else x
    assert_equals_pytorch("max2d", x, {"kernel_size": kernel, "stride": 2})


@each
def test_gradcheck(name, settings, shape):
    if 0 not in shape:
        x = draw(shape, torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: OPS[name][0](x, **settings), x, fast_mode=True)


def held_bytes(op, x, settings):
    with SavedBytesMeter() as meter:
        y = op(x, **settings)
    assert y.requires_grad
    return meter.held_bytes


@each
@each_dtype
def test_saved_bytes_are_predicted_and_never_more_than_pytorch_keeps(name, settings, shape, dtype):
    ours, theirs, predict = OPS[name]
    x = draw(shape, dtype).requires_grad_()
    held = held_bytes(ours, x, settings)
    assert held == predict(x.shape, **settings) <= held_bytes(theirs, x, settings)
    if name.startswith("avg") or settings["kernel_size"] == 1:
        assert held == 0


def test_a_window_of_four_keeps_two_bits_an_output():
    x = draw((150, 32, 32, 32)).requires_grad_()
    assert held_bytes(lean_max_pool2d, x, {"kernel_size": 2}) == 150 * 32 * 256 * 2 // 8
    assert held_bytes(F.max_pool2d, x, {"kernel_size": 2}) == x.nbytes + 150 * 32 * 256 * 8


@each_op
def test_nothing_holds_on_to_the_input(name):
    # The input's own storage dies with its last name: whatever hooks could not see would keep it.
    leaf = draw(SIMPLE[name[3]]).requires_grad_()
    x = leaf * 2
    alive = torch.multiprocessing.reductions.StorageWeakRef(x.untyped_storage())
    y = OPS[name][0](x, 3)
    del x
    assert alive.expired()
    y.sum().backward()
    assert leaf.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["avg2d", "max2d"])
def test_no_tensor_bypasses_save_for_backward(name):
    grad_fn = OPS[name][0](draw((3, 2, 9, 11)).requires_grad_(), 3).grad_fn
    assert "settings" in vars(grad_fn)
    assert not any(isinstance(value, torch.Tensor) for value in vars(grad_fn).values())
    kept = [(t.dtype, t.numel()) for t in grad_fn.saved_tensors]
    assert kept == ([(torch.uint8, 27)] if name == "max2d" else [])


@pytest.mark.parametrize("name", ["avg2d", "max2d"])
def test_the_backward_pass_allocates_no_second_input(name):
    # Largest of all allocations: the gradient. PyTorch copies no stand-in for the input.
    x = draw((64, 8, 32, 32)).requires_grad_()
    y = OPS[name][0](x, 4)
    g = torch.ones_like(y)
    with torch.profiler.profile(
        profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]
    ) as profile:
        torch.autograd.grad(y, x, g)
    allocated = sum(max(event.self_cpu_memory_usage, 0) for event in profile.events())
    assert x.nbytes <= allocated < 1.8 * x.nbytes


@each_op
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_the_stock_function(name, mode):
    ours, theirs, _ = OPS[name]
    x = draw(SIMPLE[name[3]])
    assert ours(x, 3).grad_fn is None
    with mode():
        y = ours(x.requires_grad_(), 3)
        assert torch.equal(y, theirs(x, 3))
    assert not y.requires_grad


@each_op
def test_a_retained_graph_can_be_used_again(name):
    x = draw(SIMPLE[name[3]]).requires_grad_()
    y = OPS[name][0](x, 3).sum()
    first = torch.autograd.grad(y, x, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(y, x)[0], first)


@each_op
def test_two_uses_of_one_input_add_up(name):
    ours, theirs, _ = OPS[name]
    sums = []
    for op in (ours, theirs):
        x = draw(SIMPLE[name[3]]).requires_grad_()
        (op(x, 2).sum() + op(op(x, 2), 2).pow(2).sum()).backward()
        sums.append(x.grad)
    assert torch.equal(*sums)


@each_op
def test_backward_twice_raises_as_in_pytorch(name):
    if name.startswith("avg"):
        pytest.skip("nothing is kept that a first use could free")
    y = OPS[name][0](draw(SIMPLE[name[3]]).requires_grad_(), 3).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


@each_op
def test_double_backward_is_refused(name):
    x = draw(SIMPLE[name[3]]).requires_grad_()
    (gradient,) = torch.autograd.grad(OPS[name][0](x, 3).pow(2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        gradient.sum().backward()


MISTAKES = [
    {"kernel_size": 3, "padding": 2},
    {"kernel_size": 3, "stride": 0},
    {"kernel_size": (3, 3, 3)},
    {"kernel_size": 99},
]


@each_op
@pytest.mark.parametrize("settings", MISTAKES, ids=str)
def test_mistakes_are_refused_as_in_pytorch(name, settings):
    x = draw(SIMPLE[name[3]]).requires_grad_()
    for op in OPS[name][:2]:
        with pytest.raises(RuntimeError):
            op(x, **settings)
