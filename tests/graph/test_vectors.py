"""Tracing tensors: vertices and local Jacobians, agreement with autograd, refusals."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from radexp.errors import UsageError
from radexp.graph import (
    Topology,
    VectorGraph,
    count_paths,
    forward_jacobians,
    path_sum_jacobians,
    reverse_jacobians,
    trace_tensors,
)
from radexp.graph.jacobians import ELEMENTWISE, Dense, Diagonal, local_jacobian

METHODS = (reverse_jacobians, forward_jacobians, path_sum_jacobians)


def normal(*shape, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


def network(x, w1, w2):
    h = torch.relu(x @ w1.t())
    return torch.log_softmax(h @ w2.t() + h.mean(), dim=1)[:, 0].sum()


def attention(x, w):
    scores = torch.softmax(x @ w @ x.T / 3**0.5, dim=-1)
    return (scores @ x) ** 2


def branching(x):
    y = x * x + torch.sin(x) if (x.sum() > 0).item() else -x
    return torch.stack([y, 2.0 - y]).prod(dim=0) / (1 + y.abs())


CASES = {
    "network": (network, [normal(4, 3), normal(5, 3, seed=1), normal(2, 5, seed=2)]),
    "attention": (attention, [normal(4, 3), normal(3, 3, seed=1)]),
    "branch +": (branching, [normal(4).abs()]),
    "branch -": (branching, [-normal(4).abs()]),
    "broadcast": (lambda x, y: (x.unsqueeze(1) * y - y / x.sum()).tanh(), [normal(3), normal(2)]),
    "layers": (lambda x, w: F.linear(F.gelu(x), w).cumsum(0), [normal(3), normal(2, 3)]),
    "identity": (lambda x, y: y, [normal(3), normal(2)]),
}


@pytest.mark.parametrize("name", CASES)
def test_all_methods_agree_with_autograd(name):
    function, point = CASES[name]
    graph = trace_tensors(function, point)
    truth = torch.autograd.functional.jacobian(function, tuple(point))
    for method in METHODS:
        for found, expected, x in zip(method(graph), truth, point, strict=True):
            torch.testing.assert_close(
                found, expected.reshape(-1, x.numel()), rtol=1e-10, atol=1e-10
            )


def random_function(seed):
    """Return a random function of two vectors of 3 by operations on whole vectors."""
    rng = np.random.default_rng(seed)
    steps = [(int(rng.integers(5)), *map(int, rng.integers(0, 2 + i, 2))) for i in range(7)]
    matrices = [normal(3, 3, seed=int(rng.integers(2**31))) / 2 for _ in steps]

    def function(x, y):
        values = [x, y]
        for (kind, first, second), matrix in zip(steps, matrices, strict=True):
            a, b = values[first], values[second]
            values.append(
                [
                    lambda a, b, m: m @ a + b,
                    lambda a, b, m: torch.tanh(a) * b,
                    lambda a, b, m: torch.sin(a) - b / 2,
                    lambda a, b, m: a.mean() + torch.exp(torch.tanh(b)),
                    lambda a, b, m: torch.outer(torch.tanh(a), b) @ m.diag(),
                ][kind](a, b, matrix)
            )
        return values[-1] + 0.1 * x - y * values[-2]

    return function, [normal(3, seed=2 * seed), normal(3, seed=2 * seed + 1)]


def test_100_random_functions_agree_with_autograd():
    counts = []
    for seed in range(100):
        function, point = random_function(seed)
        graph = trace_tensors(function, point)
        truth = torch.autograd.functional.jacobian(function, tuple(point))
        counts.append(count_paths(graph))
        for method in METHODS:
            for found, expected in zip(method(graph), truth, strict=True):
                torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert np.median(counts) > 10


def test_vertices_edges_and_kinds_of_jacobians():
    graph = trace_tensors(lambda x, w: torch.tanh(w @ x).sum(), [normal(3), normal(2, 3)])
    assert graph.names == ("x", "w", "v2 matmul", "v3 tanh", "v4 sum")
    assert graph.shapes == ((3,), (2, 3), (2,), (2,), ())
    assert graph.sizes == (3, 6, 2, 2, 1)
    kinds = [repr(jacobian) for jacobian in graph.jacobians]
    assert kinds == ["Dense(2 x 3)", "Dense(2 x 6)", "Diagonal(2)", "Dense(1 x 2)"]
    torch.testing.assert_close(graph.jacobians[0].matrix_OD, normal(2, 3))


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_elementwise_operations_have_diagonal_jacobians(name):
    function = getattr(torch, name)
    x, y = normal(4).abs() + 0.1, normal(4, seed=1)
    one = name in ("add", "div", "mul", "pow", "rsub", "sub", "true_divide")
    extra = (y,) if one else (-0.5, 0.5) if name == "clamp" else ()
    found = local_jacobian(name, lambda x: function(x, *extra), x)
    assert isinstance(found, Diagonal)
    dense = torch.autograd.functional.jacobian(lambda x: function(x, *extra), x)
    torch.testing.assert_close(found.diagonal_D.diag(), dense)


def test_operators_with_numbers_are_diagonal():
    x = normal(3).abs()
    for function in (
        lambda x: 2 + x,
        lambda x: 2 - x,
        lambda x: 2 * x,
        lambda x: 2 / x,
        lambda x: 2**x,
        lambda x: x**2,
        lambda x: -x,
        lambda x: x / 2,
    ):
        kinds = {type(jacobian) for jacobian in trace_tensors(function, [x]).jacobians}
        assert kinds == {Diagonal}


def test_pulling_and_pushing_are_products_with_the_matrix():
    matrix, diagonal = normal(2, 3), normal(3)
    rows, columns = normal(4, 3, seed=1), normal(3, 5, seed=2)
    torch.testing.assert_close(Dense(matrix).push(columns), matrix @ columns)
    torch.testing.assert_close(Dense(matrix).pull(rows[:, :2]), rows[:, :2] @ matrix)
    torch.testing.assert_close(Diagonal(diagonal).push(columns), diagonal.diag() @ columns)
    torch.testing.assert_close(Diagonal(diagonal).pull(rows), rows @ diagonal.diag())


def test_constants_masks_and_shapes_get_no_vertex():
    def function(x):
        mask = (x > 0).to(x.dtype)
        return x * x.shape[0] + mask * 3 + torch.ones(3, dtype=x.dtype)

    names = trace_tensors(function, [normal(3)]).names
    assert names == ("x", "v1 mul", "v2 add", "v3 add")


def write(x):
    x[0] = 1.0
    return x


@pytest.mark.parametrize(
    ("function", "point", "message"),
    [
        (lambda x: x.add_(1), [normal(3)], "add_ on a traced tensor: allowed is operations that"),
        (write, [normal(3)], "__setitem__ on a traced tensor: allowed is .* do it out of place"),
        (
            lambda x: F.elu(x, inplace=True),
            [normal(3)],
            "elu with inplace=True on a traced tensor: allowed is operations that write to new "
            "tensors; leave out inplace=True",
        ),
        (nn.ReLU(inplace=True).forward, [normal(3)], "relu with inplace=True on a traced tensor"),
        (lambda x: F.elu(x, 1.0, True), [normal(3)], "elu with inplace=True on a traced tensor"),
        (
            lambda x: torch.exp(x, out=torch.empty(3)),
            [normal(3)],
            "exp with out= on a traced tensor: allowed is .*; leave out out=",
        ),
        (
            lambda x: torch.outer(x, x),
            [torch.ones(1000)],
            r"outer with a Jacobian of 1000000 x 1000: allowed is up to 1e\+07 entries; trace a sm",
        ),
        (lambda x: x.sort()[0], [normal(3)], "sort with several results: allowed is operations wi"),
        (lambda x: x.split(1)[0], [normal(3)], "split with several results: .* index the tensor"),
        (lambda x: 3.0, [normal(3)], "returns float: allowed is one tensor that depends on its in"),
        (lambda x: torch.ones(3), [normal(3)], "returns Tensor: allowed is one tensor"),
        (lambda x: x.argmax(), [normal(3)], "returns Tensor: allowed is one tensor"),
        (lambda x, y: x, [normal(3)], r"point of 1 values for a function of \(x, y\)"),
        (lambda x: x, [1.0], r"a point of \['float'\]: allowed is tensors of real numbers"),
        (lambda x: x, [torch.ones(2, dtype=torch.int64)], r"a point of \['Tensor'\]: allowed is"),
        (lambda *x: 1.0, [], r"a point of \[\]: allowed is tensors of real numbers; give one for"),
    ],
)
def test_refusals(function, point, message):
    with pytest.raises(UsageError, match=message):
        trace_tensors(function, point)


def test_jacobians_of_the_wrong_shape_are_refused():
    parts = Topology(("x", "y"), np.array([0]), np.array([1]), (0,), 1).parts
    message = r"Jacobians of \[\(2, 3\)\]: allowed is \[\(3, 2\)\]; give one for each edge"
    with pytest.raises(UsageError, match=message):
        VectorGraph(*parts, (Dense(torch.ones(2, 3)),), ((2,), (3,)), torch.float32)


def test_reweighting_multiplies_jacobians_and_drops_edges():
    graph = trace_tensors(lambda x, w: torch.tanh(w @ x).sum(), [normal(3), normal(2, 3)])
    plain = reverse_jacobians(graph)
    sampled = graph.reweighted(np.array([0.0, 2.0, 3.0, 1.0]))
    assert (sampled.num_edges, sampled.names, sampled.sizes) == (3, graph.names, graph.sizes)
    x, w = reverse_jacobians(sampled)
    assert x.count_nonzero() == 0
    torch.testing.assert_close(w, 6 * plain[1])
