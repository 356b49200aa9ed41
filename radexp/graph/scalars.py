"""Trace an ordinary Python function of scalars by overloading its operators."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from radexp.errors import UsageError, require
from radexp.graph.lcg import Graph
from radexp.graph.tape import Tape

Number: TypeAlias = "float | Scalar"


class Scalar:
    """A number that writes down what is computed with it.

    It takes ``+ - * / **`` with scalars and plain numbers, comparisons by value (so that ``if`` and
    ``while`` follow the point of tracing), and the functions of ``radexp.graph.functions``.

    Args:
        tape: Where to write.
        vertex: Its own vertex there.
        value: Its value.
    """

    __slots__ = ("tape", "value", "vertex")

    def __init__(self, tape: Tape[float], vertex: int, value: float) -> None:
        self.tape, self.vertex, self.value = tape, vertex, value

    def __add__(self, other: Number) -> Scalar:
        return record("+", (self, other), lambda a, b: a + b, lambda a, b: (1.0, 1.0))

    def __radd__(self, other: float) -> Scalar:
        return self + other

    def __sub__(self, other: Number) -> Scalar:
        return record("-", (self, other), lambda a, b: a - b, lambda a, b: (1.0, -1.0))

    def __rsub__(self, other: float) -> Scalar:
        return record("-", (other, self), lambda a, b: a - b, lambda a, b: (1.0, -1.0))

    def __mul__(self, other: Number) -> Scalar:
        return record("*", (self, other), lambda a, b: a * b, lambda a, b: (b, a))

    def __rmul__(self, other: float) -> Scalar:
        return self * other

    def __truediv__(self, other: Number) -> Scalar:
        return record("/", (self, other), lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2))

    def __rtruediv__(self, other: float) -> Scalar:
        return record("/", (other, self), lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2))

    def __pow__(self, other: Number) -> Scalar:
        if isinstance(other, Scalar):
            return record("**", (self, other), math.pow, _power_derivatives)
        return record(f"**{other:g}", (self,), lambda a: math.pow(a, other), _derivative_of(other))

    def __rpow__(self, other: float) -> Scalar:
        return record("**", (other, self), math.pow, _power_derivatives)

    def __neg__(self) -> Scalar:
        return record("-", (self,), lambda a: -a, lambda a: (-1.0,))

    def __abs__(self) -> Scalar:
        return record("abs", (self,), abs, lambda a: (float(np.sign(a)),))

    def __lt__(self, other: Number) -> bool:
        return self.value < value_of(other)

    def __le__(self, other: Number) -> bool:
        return self.value <= value_of(other)

    def __gt__(self, other: Number) -> bool:
        return self.value > value_of(other)

    def __ge__(self, other: Number) -> bool:
        return self.value >= value_of(other)

    def __eq__(self, other: object) -> bool:
        return self.value == value_of(other) if isinstance(other, int | float | Scalar) else False

    __hash__ = object.__hash__  # each is a vertex of its own, whatever its value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __pos__(self) -> Scalar:
        return self

    def __repr__(self) -> str:
        return f"Scalar({self.value})"


def _power_derivatives(a: float, b: float) -> tuple[float, float]:
    return b * math.pow(a, b - 1), math.pow(a, b) * math.log(a)


def _derivative_of(power: float) -> Callable[[float], tuple[float]]:
    return lambda a: (power * math.pow(a, power - 1) if power else 0.0,)


def value_of(number: Number) -> float:
    """Return the value of a scalar or of a plain number.

    Example:
        >>> value_of(2)
        2.0
    """
    return number.value if isinstance(number, Scalar) else float(number)


def record(
    name: str,
    operands: Sequence[Number],
    value: Callable[..., float],
    derivatives: Callable[..., Sequence[float]],
) -> Scalar:
    """Compute an operation and write it down, with its derivatives with respect to scalars.

    Plain numbers among the operands are constants and get no vertex.

    Args:
        name: Of the operation.
        operands: At least one of them a ``Scalar``.
        value: From the operands' values to the result's.
        derivatives: From the operands' values to the derivatives with respect to each.

    Raises:
        UsageError: If the value or a derivative is not a finite number at this point.
    """
    numbers = [value_of(operand) for operand in operands]
    try:
        result, slopes = value(*numbers), derivatives(*numbers)
    except (ArithmeticError, ValueError):
        result, slopes = math.nan, ()
    require(
        all(map(math.isfinite, (result, *slopes))),
        f"{name} of {', '.join(f'{number:g}' for number in numbers)}",
        "numbers where it and its derivative are finite",
        "trace at another point",
    )
    scalars = [
        (operand, slope)
        for operand, slope in zip(operands, slopes, strict=True)
        if isinstance(operand, Scalar)
    ]
    tape = scalars[0][0].tape
    _require_one_trace(all(operand.tape is tape for operand, _ in scalars))
    vertex = tape.add(name, [(operand.vertex, float(slope)) for operand, slope in scalars])
    return Scalar(tape, vertex, float(result))


def trace(function: Callable[..., Any], point: Sequence[float]) -> Graph:
    """Run a function on scalars and return its linearized computational graph.

    Loops, branches and calls are followed as they run at this point. What does not lead to the
    result is left out. Source: section 2 of the paper.

    Args:
        function: Of as many scalars as ``point`` has, returning one.
        point: Where to trace it; finite numbers.

    Returns:
        The graph; its inputs are the function's arguments in their order.

    Raises:
        UsageError: If the point does not fit the function, the function cannot be computed there,
            or it returns anything but one number that depends on its inputs.

    Example:
        >>> from radexp.graph import functions
        >>> trace(lambda x, y: functions.exp(x) * y, [0.0, 2.0])
        Graph(4 vertices, 3 edges, inputs=(0, 1), output=3)
    """
    finite = all(isinstance(x, (int, float)) and math.isfinite(x) for x in point)
    require(
        finite and len(point) > 0, f"point {list(point)}", "finite numbers", "give one for each"
    )
    tape = Tape[float]()
    names = argument_names(function, len(point))
    given = zip(names, point, strict=True)
    result = function(*(Scalar(tape, tape.add(name, []), float(x)) for name, x in given))
    if not isinstance(result, Scalar):
        raise UsageError(
            f"a function that returns {type(result).__name__}: allowed is one number that depends "
            "on its inputs; return a single result"
        )
    _require_one_trace(result.tape is tape)
    topology, _, derivatives = tape.cut(len(point), result.vertex)
    locals_E = np.array(derivatives, dtype=np.float64)
    return Graph(*topology.parts, locals_E)


def _require_one_trace(ok: bool) -> None:
    require(
        ok, "a scalar of another trace", "scalars of one trace", "compute it from the arguments"
    )


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """Return the names of a function's arguments.

    Args:
        function: The function.
        count: How many arguments it will be given.

    Raises:
        UsageError: If it does not take so many.

    Example:
        >>> argument_names(lambda x, *rest: x, 3)
        ['x', 'rest1', 'rest2']
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C do not tell
        return [f"x{index + 1}" for index in range(count)]
    try:
        bound = signature.bind(*range(count))
    except TypeError:
        plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        raise UsageError(
            f"a point of {count} values for a function of {inspect.Signature(plain)}: allowed is "
            "one value for each of its arguments; give as many"
        ) from None
    names = []
    for name, value in bound.arguments.items():
        several = isinstance(value, tuple)
        names += [f"{name}{index + 1}" for index in range(len(value))] if several else [name]
    return names
