"""Tracing: vertices, edges and local derivatives of the paper's example; operators; refusals."""

import math

import pytest

from radexp.errors import UsageError
from radexp.graph import functions, reverse, trace
from radexp.graph.scalars import value_of


def test_the_papers_figure_1(figure1):
    graph = trace(figure1.function, figure1.point)
    assert graph.names == ("x1", "x2", "v2 exp", "v3 sin", "v4 *", "v5 *", "v6 *")
    x1, x2 = figure1.point
    a, b = math.exp(x1), math.sin(x2)
    c = b * x2
    d = a * c
    edges = {(0, 2): a, (1, 3): math.cos(x2), (1, 4): b, (3, 4): x2}
    edges |= {(2, 5): c, (4, 5): a, (2, 6): d, (5, 6): a}
    ends = zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)
    assert dict(zip(ends, graph.derivatives.tolist(), strict=True)) == pytest.approx(edges)
    assert (graph.inputs, graph.output) == ((0, 1), 6)


OPERATORS = {
    "x + 2": (lambda x: x + 2, 1.0),
    "2 + x": (lambda x: 2 + x, 1.0),
    "x - 2": (lambda x: x - 2, 1.0),
    "2 - x": (lambda x: 2 - x, -1.0),
    "3 x": (lambda x: 3 * x, 3.0),
    "x 3": (lambda x: x * 3, 3.0),
    "x / 2": (lambda x: x / 2, 0.5),
    "2 / x": (lambda x: 2 / x, -2 / 1.7**2),
    "x / x": (lambda x: x / x, 0.0),
    "x**3": (lambda x: x**3, 3 * 1.7**2),
    "x**0": (lambda x: x**0, 0.0),
    "2**x": (lambda x: 2**x, 2**1.7 * math.log(2)),
    "x**x": (lambda x: x**x, 1.7**1.7 * (math.log(1.7) + 1)),
    "-x": (lambda x: -x, -1.0),
    "abs(-x)": (lambda x: abs(-x), 1.0),
    "x": (lambda x: x, 1.0),
    "exp": (functions.exp, math.exp(1.7)),
    "log": (functions.log, 1 / 1.7),
    "sqrt": (functions.sqrt, 0.5 / math.sqrt(1.7)),
    "sin": (functions.sin, math.cos(1.7)),
    "cos": (functions.cos, -math.sin(1.7)),
    "tanh": (functions.tanh, 1 / math.cosh(1.7) ** 2),
    "relu": (functions.relu, 1.0),
    "relu(-x)": (lambda x: functions.relu(-x), 0.0),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_and_functions_have_their_derivatives_and_values(name):
    function, slope = OPERATORS[name]
    seen = []
    graph = trace(lambda x: seen.append(y := function(x)) or y, [1.7])
    assert reverse(graph)[0] == pytest.approx(slope, rel=1e-14, abs=1e-15)
    assert value_of(seen[0]) == pytest.approx(function(1.7), rel=1e-14)


def test_branches_and_loops_follow_the_point():
    def function(x, y):
        while x < 10:
            x = x * 2
        return x if x > y and y <= x and x >= 8 else y

    assert reverse(trace(function, [3.0, 1.0])).tolist() == [4.0, 0.0]
    assert reverse(trace(function, [3.0, 20.0])).tolist() == [0.0, 1.0]


def test_what_does_not_lead_to_the_result_is_left_out():
    def function(x, unused):
        functions.exp(x) + 1
        return x * 2

    graph = trace(function, [1.0, 1.0])
    assert graph.names == ("x", "unused", "v4 *")


def test_arguments_give_inputs_their_names():
    assert trace(lambda *x: x[0] * x[1], [1.0, 2.0]).names[:2] == ("x1", "x2")
    assert trace(lambda a, b=3.0: a * b, [1.0]).names == ("a", "v1 *")


def test_a_scalar_shows_its_value():
    shown = []
    trace(lambda x: shown.append(repr(x)) or x, [1.5])
    assert shown == ["Scalar(1.5)"]


@pytest.mark.parametrize(
    ("function", "point", "message"),
    [
        (functions.log, [-1.0], r"log of -1: allowed is numbers where it and its derivative are"),
        (functions.sqrt, [0.0], r"sqrt of 0: allowed is numbers where"),
        (functions.exp, [1000.0], r"exp of 1000: allowed is numbers where .*; trace at another"),
        (lambda x: 1 / x, [0.0], r"/ of 1, 0: allowed is"),
        (lambda x: x**x, [-1.0], r"\*\* of -1, -1: allowed is"),
        (lambda x: x * 1e200 * 1e200, [1.0], r"\* of 1e\+200, 1e\+200: allowed is"),
        (lambda x: 3.0, [1.0], r"returns float: allowed is one number that depends on its inputs"),
        (lambda x: (x, x), [1.0], r"returns tuple: allowed is one number"),
        (lambda x, y: x, [1.0], r"point of 1 values for a function of \(x, y\): allowed is one"),
        (lambda x: x, [math.nan], r"point \[nan\]: allowed is finite numbers; give one for each"),
        (lambda x: x, ["1"], r"point \['1'\]: allowed is finite numbers"),
        (lambda *x: 1.0, [], r"point \[\]: allowed is finite numbers"),
    ],
)
def test_refusals(function, point, message):
    with pytest.raises(UsageError, match=message):
        trace(function, point)


@pytest.mark.parametrize("function", [lambda x, old: old * x, lambda x, old: old])
def test_a_scalar_of_another_trace_is_refused(function):
    kept = []
    trace(lambda x: kept.append(x * 1) or x, [1.0])
    message = "a scalar of another trace: allowed is scalars of one trace; compute it from the arg"
    with pytest.raises(UsageError, match=message):
        trace(lambda x: function(x, kept[0]), [1.0])


def test_functions_take_plain_numbers():
    names = ("exp", "log", "sqrt", "sin", "cos", "tanh")
    for name in names:
        assert getattr(functions, name)(0.5) == getattr(math, name)(0.5)
    assert (functions.relu(2.0), functions.relu(-2.0)) == (2.0, 0.0)


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: x if x == 1 else x * x, 1.0),
        (lambda x: x if x != 1 else 3 * x, 3.0),
        (lambda x: x * 5 if x - 1 else x * 2, 2.0),
        (lambda x: x if x in (2.0, 3.0) else 7 * x, 7.0),
        (lambda x: +x * 4, 4.0),
    ],
)
def test_branches_on_equality_follow_the_values(function, slope):
    assert reverse(trace(function, [1.0])).tolist() == [slope]
