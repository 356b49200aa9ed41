"""Elementary functions of plain numbers and of traced scalars."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from radexp.graph.scalars import Scalar, record

Value = TypeVar("Value", float, Scalar)


def exp(x: Value) -> Value:
    """Return e to the power x.

    Example:
        >>> exp(0.0)
        1.0
    """
    return _apply("exp", x, math.exp, math.exp)


def log(x: Value) -> Value:
    """Return the natural logarithm, for x > 0.

    Example:
        >>> log(1.0)
        0.0
    """
    return _apply("log", x, math.log, lambda a: 1 / a)


def sqrt(x: Value) -> Value:
    """Return the square root, for x > 0 if x is traced.

    Example:
        >>> sqrt(4.0)
        2.0
    """
    return _apply("sqrt", x, math.sqrt, lambda a: 0.5 / math.sqrt(a))


def sin(x: Value) -> Value:
    """Return the sine.

    Example:
        >>> sin(0.0)
        0.0
    """
    return _apply("sin", x, math.sin, math.cos)


def cos(x: Value) -> Value:
    """Return the cosine.

    Example:
        >>> cos(0.0)
        1.0
    """
    return _apply("cos", x, math.cos, lambda a: -math.sin(a))


def tanh(x: Value) -> Value:
    """Return the hyperbolic tangent.

    Example:
        >>> tanh(0.0)
        0.0
    """
    return _apply("tanh", x, math.tanh, lambda a: 1 - math.tanh(a) ** 2)


def relu(x: Value) -> Value:
    """Return the larger of x and 0; its derivative at 0 is 0.

    Example:
        >>> relu(-1.0), relu(2.0)
        (0.0, 2.0)
    """
    return _apply("relu", x, lambda a: max(a, 0.0), lambda a: float(a > 0))


def _apply(
    name: str, x: Value, value: Callable[[float], float], slope: Callable[[float], float]
) -> Value:
    if isinstance(x, Scalar):
        return record(name, (x,), value, lambda a: (slope(a),))
    return value(x)
