"""Windows at few positions give PyTorch's weight gradient of the scattered, dense input."""

from dataclasses import replace

import pytest
import torch
from torch.nn.grad import conv2d_weight

from radexp.kernels.geometry import Geometry
from radexp.kernels.sparse_convolution import NUM_PARTS, sparse_window_products

PLAIN = Geometry((7, 9), (3, 3), (1, 1), (0, 0), (1, 1), 1)
GEOMETRIES = {
    "plain": PLAIN,
    "one tap": replace(PLAIN, kernel=(1, 1)),
    "whole image": replace(PLAIN, kernel=(7, 9)),
    "padding": replace(PLAIN, padding=(1, 2)),
    "padding of a whole kernel and more": replace(PLAIN, padding=(5, 4)),
    "stride": replace(PLAIN, stride=(2, 3)),
    "stride longer than the kernel": replace(PLAIN, kernel=(2, 1), stride=(4, 3)),
    "stride, padding": replace(PLAIN, stride=(3, 2), padding=(2, 4)),
    "dilation": replace(PLAIN, dilation=(2, 3)),
    "dilation of height": replace(PLAIN, dilation=(3, 1), padding=(2, 0)),
    "dilation of width": replace(PLAIN, dilation=(1, 2), padding=(0, 3)),
    "flat kernel": replace(PLAIN, kernel=(1, 5), padding=(0, 2)),
    "tall kernel": replace(PLAIN, kernel=(5, 2), padding=(2, 1)),
    "groups": replace(PLAIN, groups=2, padding=(1, 1)),
    "depthwise": replace(PLAIN, groups=4),
    "all at once": Geometry((9, 8), (3, 2), (2, 3), (4, 1), (2, 3), 2),
    "a line": replace(PLAIN, size=(1, 20), kernel=(1, 5), padding=(0, 2), stride=(1, 2)),
}
C, O = 4, 8  # noqa: E741

each_geometry = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)


def draw(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(geometry, num_examples=3, num_kept=13, shared=False):
    """Return an output gradient, entries and their positions; some positions come twice."""
    pixels = geometry.size[0] * geometry.size[1]
    rows = num_examples * C
    image = torch.zeros(num_examples, C, *geometry.size)
    weight = torch.zeros(O, C // geometry.groups, *geometry.kernel)
    settings = (geometry.stride, geometry.padding, geometry.dilation, geometry.groups)
    y = torch.nn.functional.conv2d(image, weight, None, *settings)
    draws = torch.Generator().manual_seed(1)
    positions = torch.randint(pixels, (1 if shared else rows, num_kept), generator=draws)
    positions[:, -1] = positions[:, 0]
    return draw(y.shape, 2), draw((rows, num_kept), 3), positions


def scattered(values, positions, geometry):
    """Return the dense input (N, C, H, W) that the entries stand for."""
    pixels = geometry.size[0] * geometry.size[1]
    dense = values.new_zeros(len(values), pixels)
    dense.scatter_add_(1, positions.expand(len(values), -1), values)
    return dense.view(-1, C, *geometry.size)


def by_pytorch(g, values, positions, geometry):
    x = scattered(values, positions, geometry)
    settings = (geometry.stride, geometry.padding, geometry.dilation, geometry.groups)
    shape = (O, C // geometry.groups, *geometry.kernel)
    return conv2d_weight(x, shape, g, *settings)


def assert_equals_pytorch(g, values, positions, geometry, dtype):
    g, values = g.to(dtype), values.to(dtype)
    result = sparse_window_products(g, values, positions, C, geometry)
    exact = by_pytorch(g.double(), values.double(), positions, geometry)
    # A sum of n products has an error of at most (n + 1) eps sum |products|, to first order. Here
    # n is N K; four of them, and the sums of all parts, are added apart. PyTorch's own float64
    # sum has one product for each example and output position.
    num_products = values.numel() // C + NUM_PARTS + 4
    num_theirs = g.numel() // O
    bound = by_pytorch(g.double().abs(), values.double().abs(), positions, geometry)
    rounding = num_products * torch.finfo(dtype).eps + num_theirs * torch.finfo(torch.float64).eps
    assert (result.shape, result.dtype) == (exact.shape, dtype)
    assert ((result.double() - exact).abs() <= rounding * bound).all()
    assert exact.abs().max() > 0


@each_geometry
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_equals_the_dense_gradient(geometry, shared, dtype):
    assert_equals_pytorch(*problem(geometry, shared=shared), geometry, dtype)


@pytest.mark.parametrize("num_kept", [1, 2, 3, 4, 5, 7, 8, 9])
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_any_number_of_entries_will_do(num_kept, shared):
    geometry = GEOMETRIES["stride, padding"]
    given = problem(geometry, num_kept=num_kept, shared=shared)
    assert_equals_pytorch(*given, geometry, torch.float64)


@pytest.mark.parametrize("num_examples", [1, 2, NUM_PARTS - 1, NUM_PARTS, NUM_PARTS + 1, 19])
def test_any_number_of_examples_will_do(num_examples):
    geometry = GEOMETRIES["all at once"]
    assert_equals_pytorch(*problem(geometry, num_examples), geometry, torch.float64)


def test_no_examples_give_zeros():
    g, values, positions = torch.empty(0, O, 5, 7), torch.empty(0, 6), torch.empty(0, 6).long()
    result = sparse_window_products(g, values, positions, C, PLAIN)
    assert torch.equal(result, torch.zeros(O, C, 3, 3))


def test_values_at_equal_positions_add_up():
    g, values, positions = problem(PLAIN)
    positions[:] = positions[:, :1]
    assert_equals_pytorch(g, values, positions, PLAIN, torch.float64)
    once = sparse_window_products(g, values.sum(1, True), positions[:, :1], C, PLAIN)
    many = sparse_window_products(g, values, positions, C, PLAIN)
    torch.testing.assert_close(once, many, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("corner", [0, 8, 54, 62])
@pytest.mark.parametrize("name", ["plain", "padding", "stride, padding", "dilation"])
def test_corners_have_the_windows_that_exist(name, corner):
    g, values, positions = problem(GEOMETRIES[name])
    positions[:] = corner
    result = sparse_window_products(g, values, positions, C, GEOMETRIES[name])
    exact = by_pytorch(g, values, positions, GEOMETRIES[name])
    torch.testing.assert_close(result, exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["padding", "all at once"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.usefixtures("torch_state")
def test_the_number_of_threads_changes_no_bit(name, dtype):
    geometry = GEOMETRIES[name]
    g, values, positions = problem(geometry, num_examples=2 * NUM_PARTS + 3)
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        given = (g.to(dtype), values.to(dtype), positions)
        results.append(sparse_window_products(*given, C, geometry))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_what_is_given_is_left_as_it_was():
    given = problem(PLAIN)
    before = [tensor.clone() for tensor in given]
    sparse_window_products(*given, C, PLAIN)
    assert all(map(torch.equal, given, before))
