"""Trace a function of PyTorch tensors into a graph whose edges hold local Jacobians."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from radexp.errors import UsageError, require
from radexp.graph.jacobians import Jacobian, is_diagonal, local_jacobian
from radexp.graph.scalars import argument_names
from radexp.graph.tape import Tape
from radexp.graph.topology import FloatArray, Topology

MAX_ENTRIES = 10**7  # of one dense Jacobian: 80 MB in float64


@dataclass(frozen=True, eq=False, repr=False)
class VectorGraph(Topology):
    """A linearized computational graph whose vertices are tensors, taken as vectors.

    Args:
        jacobians: Of each edge, (size of target, size of source); the other arguments are those of
            ``Topology``.
        shapes: Of each vertex's tensor.
        dtype: Type of the output, in which derivatives are accumulated.

    Raises:
        UsageError: If there is not one Jacobian of the right shape for each edge.

    Example:
        >>> graph = trace_tensors(lambda x: torch.exp(x).sum(), [torch.zeros(2, 3)])
        >>> graph.shapes, graph.sizes, graph.jacobians
        (((2, 3), (2, 3), ()), (6, 6, 1), (Diagonal(6), Dense(1 x 6)))

    Source: section 2 of the paper, whose vertices are vectors in section 3.2.
    """

    jacobians: tuple[Jacobian, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: torch.dtype

    def __post_init__(self) -> None:
        super().__post_init__()
        ends = zip(self.sources.tolist(), self.targets.tolist(), strict=True)
        shapes = [(self.sizes[target], self.sizes[source]) for source, target in ends]
        given = [jacobian.shape for jacobian in self.jacobians]
        require(given == shapes, f"Jacobians of {given}", f"{shapes}", "give one for each edge")

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Entries of each vertex's tensor."""
        return tuple(map(math.prod, self.shapes))

    def reweighted(self, multipliers_E: FloatArray) -> VectorGraph:
        """Return the graph with Jacobians multiplied, without the edges that are multiplied by 0.

        Args:
            multipliers_E: One for each edge.
        """
        kept = np.flatnonzero(multipliers_E)
        jacobians = [self.jacobians[edge].times(float(multipliers_E[edge])) for edge in kept]
        names, sources, targets, inputs, output = self.parts
        ends = sources[kept], targets[kept]
        return VectorGraph(names, *ends, inputs, output, tuple(jacobians), self.shapes, self.dtype)


class TracedTensor(Tensor):
    """A tensor that writes down what is computed with it.

    It has no tape or vertex of its own until ``trace_tensors`` gives it one.
    """

    tape: Tape[Jacobian]
    vertex: int
    shapes: list[tuple[int, ...]]

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute an operation on plain tensors and write it down if its result is a tensor."""
        name = getattr(function, "__name__", str(function))
        if name == "__get__":  # of an attribute, such as ``x.T``
            name = getattr(function.__self__, "__name__", name)  # type: ignore[attr-defined]
        leaves, tree = tree_flatten((tuple(args), kwargs or {}))
        traced = [place for place, leaf in enumerate(leaves) if isinstance(leaf, TracedTensor)]
        _refuse_writing(name, kwargs or {})
        operands = [leaves[place] for place in traced]
        with torch._C.DisableTorchFunctionSubclass():
            plain = [leaf.as_subclass(Tensor) if isinstance(leaf, cls) else leaf for leaf in leaves]

            def call(place: int | None = None, value: Tensor | None = None) -> Any:
                current = [value if index == place else leaf for index, leaf in enumerate(plain)]
                positional, keywords = tree_unflatten(current, tree)
                return function(*positional, **keywords)

            result = call()
            if not _is_recorded(result, name):
                return result
            for place in traced:
                _require_small(name, plain[place], result)
            parents = [
                (operand.vertex, local_jacobian(name, partial(call, place), plain[place]))
                for operand, place in zip(operands, traced, strict=True)
            ]
        return _wrap(result, operands[0].tape, operands[0].shapes, name, parents)


def _refuse_writing(name: str, keywords: Mapping[str, Any]) -> None:
    """Refuse operations that write to a tensor: by their name, or asked to by a keyword."""
    how = "inplace=True" if keywords.get("inplace") else ""
    how = "out=" if keywords.get("out") is not None else how
    in_place = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
    given = f"{name} with {how} on a traced tensor" if how else f"{name} on a traced tensor"
    mend = f"leave out {how}" if how else "do it out of place"
    require(not (in_place or how), given, "operations that write to new tensors", mend)


def _require_small(name: str, operand: Tensor, result: Tensor) -> None:
    """Refuse operations whose Jacobian would not fit into memory."""
    small = is_diagonal(name, operand, result) or operand.numel() * result.numel() <= MAX_ENTRIES
    given = f"{name} with a Jacobian of {result.numel()} x {operand.numel()}"
    require(small, given, f"up to {MAX_ENTRIES:.0e} entries", "trace a smaller function")


def _is_recorded(result: Any, name: str) -> bool:
    """Tell whether a result is a tensor of real numbers, and refuse several of them at once."""
    if isinstance(result, (tuple, list)):
        tensors = [part for part in result if isinstance(part, Tensor)]
        allowed = "operations with one result"
        require(not tensors, f"{name} with several results", allowed, "index the tensor instead")
    return isinstance(result, Tensor) and result.is_floating_point()


def _wrap(
    value: Tensor,
    tape: Tape[Jacobian],
    shapes: list[tuple[int, ...]],
    name: str,
    parents: Sequence[tuple[int, Jacobian]],
) -> TracedTensor:
    traced = value.detach().as_subclass(TracedTensor)
    traced.tape, traced.shapes, traced.vertex = tape, shapes, tape.add(name, parents)
    shapes.append(tuple(value.shape))
    return traced


def trace_tensors(function: Callable[..., Any], point: Sequence[Tensor]) -> VectorGraph:
    """Run a function on tensors and return its linearized computational graph.

    Every operation with one floating-point result becomes a vertex; comparisons and shapes do not,
    so that branches follow the point of tracing.

    Args:
        function: Of as many tensors as ``point`` has, returning one.
        point: Where to trace it; floating-point tensors of any shape.

    Returns:
        The graph; its inputs are the function's arguments in their order.

    Raises:
        UsageError: If the point does not fit the function, it writes to a tensor, uses an operation
            with several results or a Jacobian of over 10^7 entries, or returns anything but a
            tensor that depends on its inputs.

    Example:
        >>> x, w = torch.ones(3), torch.ones(2, 3)
        >>> graph = trace_tensors(lambda x, w: torch.tanh(w @ x).sum(), [x, w])
        >>> graph.names, graph.jacobians[-2:]
        (('x', 'w', 'v2 matmul', 'v3 tanh', 'v4 sum'), (Diagonal(2), Dense(1 x 2)))

    Not for large tensors: a dense Jacobian has as many entries as its operand times its result.
    """
    real = all(isinstance(x, Tensor) and x.is_floating_point() for x in point)
    given = f"a point of {[type(x).__name__ for x in point]}"
    require(real and len(point) > 0, given, "tensors of real numbers", "give one for each argument")
    tape, shapes = Tape[Jacobian](), list[tuple[int, ...]]()
    named = zip(argument_names(function, len(point)), point, strict=True)
    result = function(*(_wrap(x, tape, shapes, name, []) for name, x in named))
    if not isinstance(result, TracedTensor) or result.tape is not tape:
        raise UsageError(
            f"a function that returns {type(result).__name__}: allowed is one tensor that depends "
            "on its inputs; return a single result"
        )
    topology, kept, jacobians = tape.cut(len(point), result.vertex)
    return VectorGraph(
        *topology.parts, tuple(jacobians), tuple(shapes[v] for v in kept), result.dtype
    )
