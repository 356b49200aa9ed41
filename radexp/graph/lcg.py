"""The linearized computational graph of a function of scalars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radexp.errors import require
from radexp.graph.topology import FloatArray, Topology


@dataclass(frozen=True, eq=False, repr=False)
class Graph(Topology):
    """Every intermediate value as a vertex, every local derivative on an edge.

    For ``v = f(u, w)`` there is an edge from ``u`` to ``v`` with ``df/du`` at the point of tracing,
    and one from ``w`` with ``df/dw``.

    Args:
        derivatives: Local derivative of each edge, float64 (E,); the other arguments are those of
            ``Topology``.

    Raises:
        UsageError: If there is not one derivative for each edge, or the topology is impossible.

    Example:
        >>> from radexp.graph import trace
        >>> trace(lambda x: x * x, [3.0]).derivatives.tolist()
        [3.0, 3.0]

    Source: Oktay et al., Randomized Automatic Differentiation, ICLR 2021, section 2.
    """

    derivatives: FloatArray

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.derivatives.shape == self.sources.shape,
            f"{self.derivatives.shape} derivatives",
            f"one for each of {self.num_edges} edges",
            "give a list of that length",
        )

    def reweighted(self, multipliers_E: FloatArray) -> Graph:
        """Return the graph with derivatives multiplied, without the edges that are multiplied by 0.

        Vertices stay, so that their numbers mean the same in both graphs.

        Args:
            multipliers_E: One for each edge.

        Example:
            >>> from radexp.graph import trace
            >>> square = trace(lambda x: x * x, [3.0])
            >>> square.reweighted(np.array([0.0, 2.0])).derivatives.tolist()
            [6.0]
        """
        kept = np.flatnonzero(multipliers_E)
        return Graph(
            self.names,
            self.sources[kept],
            self.targets[kept],
            self.inputs,
            self.output,
            self.derivatives[kept] * multipliers_E[kept],
        )
