"""Random straight-line programs that run on traced scalars, plain numbers and PyTorch tensors."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from radexp.graph import functions, trace

UNARY = ("sin", "cos", "tanh", "exp_of_tanh", "sqrt_of_square", "log_of_square")
BINARY = ("add", "sub", "mul", "div", "power")


class Program:
    """A random function of three scalars, of 8 to 24 operations; later ones favour recent values.

    Every operation is smooth and of moderate size near the point, so that no rounding is magnified.
    """

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.point = rng.uniform(-1, 1, 3).tolist()
        self.steps = []
        for index in range(int(rng.integers(8, 25))):
            count = 3 + index
            kind = rng.choice(UNARY if rng.random() < 0.3 else BINARY)
            operands = [max(0, count - 1 - int(rng.geometric(0.5) - 1)) for _ in range(2)]
            self.steps.append((str(kind), operands, float(rng.uniform(0.5, 1.5))))

    def run(self, library, inputs):
        values = list(inputs)
        for kind, (first, second), constant in self.steps:
            a, b = values[first], values[second]
            if kind in UNARY:
                values.append(_unary(library, kind, a) * constant)
            else:
                values.append(_binary(library, kind, a, b, constant))
        return values[-1] + values[0] * 0.1 - values[1] + values[2] / 2.0

    def traced(self):
        return trace(lambda x, y, z: self.run(functions, (x, y, z)), self.point)

    def gradient(self):
        """Return the gradient by PyTorch's autograd, float64."""
        inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in self.point]
        result = self.run(torch, inputs)
        return torch.stack(torch.autograd.grad(result, inputs)).numpy()


def _unary(library, kind, a):
    if kind == "exp_of_tanh":
        return library.exp(library.tanh(a))
    if kind == "sqrt_of_square":
        return library.sqrt(a * a + 1.0)
    if kind == "log_of_square":
        return library.log(1.5 + a**2)
    return getattr(library, kind)(a)


def _binary(library, kind, a, b, constant):
    if kind == "add":
        return constant + a + b
    if kind == "sub":
        return constant - a - b
    if kind == "mul":
        return library.tanh(a) * b
    if kind == "div":
        return a / (2.0 + library.cos(b))
    return (1.5 + library.sin(a)) ** library.tanh(b)


@pytest.fixture(scope="session")
def programs():
    """Return 100 of them."""
    return [Program(seed) for seed in range(100)]


@pytest.fixture
def figure1():
    """Return the paper's Figure 1: its function, its point and its gradient by hand."""

    def function(x1, x2):
        a = functions.exp(x1)
        b = functions.sin(x2)
        c = b * x2
        d = a * c
        return a * d

    point = (0.3, 0.7)
    e, s, c = np.exp(2 * point[0]), np.sin(point[1]), np.cos(point[1])
    gradient = np.array([2 * e * s * point[1], e * (c * point[1] + s)])
    return SimpleNamespace(function=function, point=point, gradient=gradient)
