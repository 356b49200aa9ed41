"""Bauer's formula: a derivative is a sum over paths."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radexp.errors import require
from radexp.graph.lcg import Graph
from radexp.graph.topology import FloatArray, Topology

MAX_PATHS = 100_000


def count_paths(graph: Topology) -> int:
    """Return the number of paths from any input to the output, exactly.

    Example:
        >>> from radexp.graph import trace
        >>> count_paths(trace(lambda x: (x * x) * (x * x), [3.0]))
        4
    """
    counts = [0] * graph.num_vertices
    counts[graph.output] = 1
    ends = zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)
    for source, target in reversed([*ends]):
        counts[source] += counts[target]
    return sum(counts[vertex] for vertex in graph.inputs)


def paths(graph: Topology, limit: int = MAX_PATHS) -> Iterator[tuple[int, ...]]:
    """Yield every path from an input to the output as the edges that it goes along.

    Args:
        graph: Of scalars or vectors.
        limit: How many paths are not too many.

    Raises:
        UsageError: Before the first path, if there are more than ``limit``.

    Example:
        >>> from radexp.graph import trace
        >>> list(paths(trace(lambda x, y: (x + y) * x, [3.0, 2.0])))
        [(0, 3), (1,), (2, 3)]
    """
    count = count_paths(graph)
    require(
        count <= limit,
        f"{count} paths",
        f"up to {limit} one by one",
        "use reverse accumulation, which visits each edge once",
    )
    for vertex in graph.inputs:
        yield from _paths_from(graph, vertex)


def _paths_from(graph: Topology, start: int) -> Iterator[tuple[int, ...]]:
    """Walk all paths from a vertex, depth first."""
    offsets, targets = graph.offsets.tolist(), graph.targets.tolist()
    stack: list[tuple[int, tuple[int, ...]]] = [(start, ())]
    while stack:
        vertex, edges = stack.pop()
        if vertex == graph.output:
            yield edges
        for edge in range(offsets[vertex + 1] - 1, offsets[vertex] - 1, -1):
            stack.append((targets[edge], (*edges, edge)))


def path_sum(graph: Graph, limit: int = MAX_PATHS) -> FloatArray:
    """Return the gradient as Bauer's formula writes it.

    ``dy/dx = sum over paths from x to y of the product of the local derivatives on their edges``.

    Args:
        graph: Traced or sampled.
        limit: How many paths are not too many.

    Returns:
        One derivative for each input, float64 (M,).

    Raises:
        UsageError: If there are more paths than ``limit``.

    Example:
        >>> from radexp.graph import trace
        >>> path_sum(trace(lambda x, y: x * x * y, [3.0, 2.0])).tolist()
        [12.0, 9.0]

    Source: F. L. Bauer, Computational graphs and rounding error, 1974; section 2 of the paper.
    """
    sums = dict.fromkeys(graph.inputs, 0.0)
    for edges in paths(graph, limit):
        start = int(graph.sources[edges[0]]) if edges else graph.output
        sums[start] += float(graph.derivatives[list(edges)].prod())
    return np.array([sums[vertex] for vertex in graph.inputs])
