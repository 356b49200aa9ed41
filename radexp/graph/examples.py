"""Functions and graphs to look at: ``radexp graph NAME``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from radexp.graph.functions import exp, sin
from radexp.graph.layered import independent, interleaved
from radexp.graph.lcg import Graph


class Example(NamedTuple):
    """A function of scalars and a point to trace it at."""

    function: Callable[..., Any]
    point: tuple[float, ...]


class TensorExample(NamedTuple):
    """A function of PyTorch tensors and the shapes of its arguments."""

    function: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]


def figure1(x1: Any, x2: Any) -> Any:
    """Return the program of the paper's Figure 1.

    Example:
        >>> figure1(0.0, 0.0)
        0.0
    """
    a = exp(x1)
    b = sin(x2)
    c = b * x2
    d = a * c
    return a * d


def rosenbrock(x: Any, y: Any) -> Any:
    """Return Rosenbrock's function, the valley that optimizers are tried on.

    Example:
        >>> rosenbrock(1.0, 1.0)
        0.0
    """
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def newton(a: Any) -> Any:
    """Return the square root by five steps of Newton's iteration, a loop with much sharing.

    Example:
        >>> round(newton(2.0), 9)
        1.414213562
    """
    x = a
    for _ in range(5):
        x = (x + a / x) / 2
    return x


def network(x: Any, w1: Any, w2: Any) -> Any:
    """Return the squared outputs' sum of a network of one hidden layer.

    Example:
        >>> network(torch.ones(4), torch.zeros(5, 4), torch.ones(3, 5)).item()
        0.0
    """
    return (w2 @ torch.tanh(w1 @ x)).square().sum()


EXAMPLES = {
    "figure1": Example(figure1, (0.3, 0.7)),
    "rosenbrock": Example(rosenbrock, (-1.2, 1.0)),
    "newton": Example(newton, (2.0,)),
}
TENSORS = {"network": TensorExample(network, ((4,), (5, 4), (3, 5)))}
# Graphs without a function: the extremes of the paper's Fig. 2, small enough to be drawn.
LAYERED: dict[str, Callable[[], Graph]] = {
    "independent": lambda: independent(width=5, depth=4, seed=0),
    "interleaved": lambda: interleaved(width=5, depth=4, seed=0),
}
