"""The examples' functions are what they say, traced and with plain numbers."""

import math

import pytest
import torch

from radexp.graph import count_paths, path_sum, reverse, trace
from radexp.graph.examples import EXAMPLES, LAYERED, figure1, newton, rosenbrock


@pytest.mark.parametrize("name", EXAMPLES)
def test_gradients_are_those_of_paths_and_of_finite_differences(name):
    function, point = EXAMPLES[name]
    graph = trace(function, point)
    gradient = reverse(graph)
    assert gradient.tolist() == pytest.approx(path_sum(graph).tolist(), rel=1e-12)
    for index in range(len(point)):
        step = 1e-5
        up, down = ([x + d * (i == index) for i, x in enumerate(point)] for d in (step, -step))
        slope = (function(*up) - function(*down)) / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-6)


def test_the_functions_themselves():
    assert newton(9.0) == pytest.approx(3, rel=1e-4)
    assert rosenbrock(0.0, 0.0) == 1
    x = torch.tensor(0.4)
    assert figure1(0.3, 0.4) == pytest.approx(
        math.exp(0.6) * math.sin(float(x)) * float(x), rel=1e-6
    )


def test_the_layered_examples():
    assert count_paths(LAYERED["independent"]()) == 5
    assert count_paths(LAYERED["interleaved"]()) == 5**4
