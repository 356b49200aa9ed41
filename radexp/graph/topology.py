"""Which vertex feeds which: the part that graphs of scalars and of vectors have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from radexp.errors import require

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Topology:
    """A directed graph without cycles: V vertices in topological order, E edges sorted by source.

    Args:
        names: Of the vertices, shape (V,).
        sources: Vertex that each edge leaves, int64 (E,), not decreasing.
        targets: Vertex that each edge enters, int64 (E,), greater than its source. Two vertices may
            have several edges between them, as in ``x * x``.
        inputs: Vertices with respect to which derivatives are taken; no edge enters them.
        output: The vertex whose derivatives are taken.

    Raises:
        UsageError: If the arrays do not describe such a graph.

    Example:
        >>> two = Topology(("x", "y"), np.array([0]), np.array([1]), (0,), 1)
        >>> two.num_vertices, two.num_edges, two.offsets.tolist()
        (2, 1, [0, 1, 1])
    """

    names: tuple[str, ...]
    sources: IntArray
    targets: IntArray
    inputs: tuple[int, ...]
    output: int

    def __post_init__(self) -> None:
        sources, targets, last = self.sources, self.targets, len(self.names) - 1
        given = f"edges from {_head(sources)} to {_head(targets)}"
        require(
            sources.ndim == 1 and sources.shape == targets.shape,
            f"{sources.shape} sources and {targets.shape} targets",
            "two lists of one length",
            "give one of each for every edge",
        )
        forward = bool(
            (sources >= 0).all() and (sources < targets).all() and (targets <= last).all()
        )
        allowed = f"0 <= source < target <= {last}"
        require(forward, given, allowed, "number the vertices in topological order")
        ordered = bool((sources[1:] >= sources[:-1]).all())
        require(ordered, given, "edges sorted by source", "sort them")
        ends = (*self.inputs, self.output)
        require(
            min(ends) >= 0 and max(ends) <= last and len(set(self.inputs)) == len(self.inputs) > 0,
            f"inputs {self.inputs} and output {self.output}",
            f"different inputs, at least one, and an output, each from 0 to {last}",
            "name vertices that there are",
        )
        entered = sorted({*self.inputs} & {*targets.tolist()})
        require(not entered, f"edges into inputs {entered}", "none", "name other inputs")

    @property
    def parts(self) -> tuple[tuple[str, ...], IntArray, IntArray, tuple[int, ...], int]:
        """What the topology is made of, in the order of the arguments."""
        return self.names, self.sources, self.targets, self.inputs, self.output

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.names)

    @property
    def num_edges(self) -> int:
        """E."""
        return len(self.sources)

    @cached_property
    def offsets(self) -> IntArray:
        """Where each vertex's edges begin, int64 (V + 1,): those of v are offsets[v:v + 2]."""
        return np.searchsorted(self.sources, np.arange(self.num_vertices + 1)).astype(np.int64)

    @cached_property
    def levels(self) -> IntArray:
        """The longest distance of each vertex from where edges begin, int64 (V,)."""
        levels = [0] * self.num_vertices
        for source, target in zip(self.sources.tolist(), self.targets.tolist(), strict=True):
            levels[target] = max(levels[target], levels[source] + 1)
        return np.array(levels, dtype=np.int64)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.num_vertices} vertices, {self.num_edges} edges, "
            f"inputs={self.inputs}, output={self.output})"
        )


def _head(values: IntArray) -> str:
    """Show the first few of many numbers."""
    return f"[{', '.join(map(str, values[:6].tolist()))}{', ...' if len(values) > 6 else ''}]"
