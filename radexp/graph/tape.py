"""Write down vertices and edges as a function runs, and make a graph of what matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from radexp.errors import require
from radexp.graph.topology import Topology

Local = TypeVar("Local")


class Tape(Generic[Local]):
    """Vertices and edges in the order in which a function computed them.

    Example:
        >>> tape = Tape[float]()
        >>> x = tape.add("x", [])
        >>> y = tape.add("exp", [(x, 1.0)])
        >>> tape.cut(num_inputs=1, output=y)[0].names
        ('x', 'v1 exp')
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._edges: list[tuple[int, int, Local]] = []

    def add(self, name: str, parents: Sequence[tuple[int, Local]]) -> int:
        """Add a vertex and the edges that enter it.

        Args:
            name: Of an input, or of the operation that computed the vertex.
            parents: Vertices that it was computed from, with the local derivatives.

        Returns:
            The vertex.
        """
        vertex = len(self._names)
        self._names.append(f"v{vertex} {name}" if parents else name)
        self._edges += [(source, vertex, local) for source, local in parents]
        return vertex

    def cut(self, num_inputs: int, output: int) -> tuple[Topology, list[int], list[Local]]:
        """Return the topology of what leads to the output, with its vertices' and edges' own.

        Args:
            num_inputs: How many of the first vertices are inputs; these stay in any case.
            output: The vertex of what the function returned.

        Returns:
            The topology, the vertices of the tape that it kept, and the locals of its edges.

        Raises:
            UsageError: If no input leads to the output.
        """
        live = self._leading_to(output)
        given = "a function whose result does not depend on its inputs"
        require(bool(live & {*range(num_inputs)}), given, "one that does", "use an input in it")
        kept = sorted(live | {*range(num_inputs)})
        number = {vertex: position for position, vertex in enumerate(kept)}
        edges = sorted((edge for edge in self._edges if edge[1] in live), key=lambda edge: edge[0])
        ends = np.array([(number[e[0]], number[e[1]]) for e in edges], np.int64).reshape(-1, 2)
        names = tuple(self._names[vertex] for vertex in kept)
        topology = Topology(names, ends[:, 0], ends[:, 1], (*range(num_inputs),), number[output])
        return topology, kept, [local for _, _, local in edges]

    def _leading_to(self, output: int) -> set[int]:
        """Return the vertices from which the output can be reached."""
        live = {output}
        for source, target, _ in reversed(self._edges):  # edges are in the order of their targets
            if target in live:
                live.add(source)
        return live
