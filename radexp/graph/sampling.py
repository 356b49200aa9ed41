"""Sample paths: keep few edges of a graph, reweighted so that its gradient is right on average."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import numpy as np

from radexp.errors import require
from radexp.graph.accumulate import reverse_many
from radexp.graph.lcg import Graph
from radexp.graph.topology import FloatArray, Topology
from radexp.graph.vectors import VectorGraph
from radexp.kernels.graph import sample_edges, sample_walks
from radexp.seeding import derive_seed

AnyGraph = TypeVar("AnyGraph", Graph, VectorGraph)

# Multipliers in memory at a time.
BLOCK = 2**22


class Sampler(ABC):
    """A random choice of edges, in topological order, with multipliers of mean 1.

    If each vertex that is reached multiplies its edges by numbers of mean 1 (given the choices of
    the vertices before it), then reverse accumulation on the sampled graph has the gradient as its
    mean: see docs/graph.md.
    """

    @abstractmethod
    def multipliers(self, graph: Topology, num_draws: int, seed: int) -> FloatArray:
        """Return multipliers of all edges, zero for those left out.

        Args:
            graph: The graph.
            num_draws: Independent draws R.
            seed: Of the draws; the same seed gives the same numbers.

        Returns:
            Multipliers, float64 (R, E).
        """

    def sample(self, graph: AnyGraph, seed: int) -> AnyGraph:
        """Return one sampled graph, with reweighted derivatives and only the edges that were kept.

        Args:
            graph: The whole graph, of scalars or vectors.
            seed: Of the draw.

        Example:
            >>> from radexp.graph import reverse, trace
            >>> sampled = EdgeSampling(1).sample(trace(lambda x: x * x, [3.0]), seed=0)
            >>> sampled.num_edges, reverse(sampled).tolist()
            (1, [6.0])
        """
        return graph.reweighted(self.multipliers(graph, 1, seed)[0])

    def gradients(self, graph: Graph, num_draws: int, seed: int) -> FloatArray:
        """Return independent estimates of the gradient.

        Args:
            graph: The whole graph.
            num_draws: Estimates R.
            seed: Of the draws.

        Returns:
            Estimates, float64 (R, M), each of them with the gradient as its mean.

        Example:
            >>> from radexp.graph import trace
            >>> EdgeSampling(1).gradients(trace(lambda x: x * x, [3.0]), 2, seed=0).tolist()
            [[6.0], [6.0]]
        """
        size = max(1, BLOCK // max(1, graph.num_edges))
        parts: list[FloatArray] = [np.empty((0, len(graph.inputs)))]
        for start in range(0, num_draws, size):
            count = min(size, num_draws - start)
            multipliers_RE = self.multipliers(graph, count, derive_seed(seed, "block", start))
            parts.append(reverse_many(graph, multipliers_RE))
        return np.concatenate(parts)


class EdgeSampling(Sampler):
    """Keep k edges of every vertex, chosen without replacement, times ``degree / k``.

    Each of a vertex's ``degree`` edges is chosen with probability ``k / degree``, so its multiplier
    has mean 1. Vertices with no more than k edges keep them all.

    Args:
        num_edges: Edges k to keep of each vertex, at least 1.

    Raises:
        UsageError: If ``num_edges`` is less than 1.

    Example:
        >>> from radexp.graph import interleaved
        >>> EdgeSampling(2).sample(interleaved(8, 3, seed=0), seed=0).num_edges
        42

    (2 edges of the input, of 8 vertices in each of two layers, and the last 8 vertices' only ones.)

    Source: section 3.1 of the paper.
    """

    def __init__(self, num_edges: int) -> None:
        require(num_edges >= 1, f"num_edges={num_edges}", "at least 1", "try num_edges=1")
        self.num_edges = num_edges

    def multipliers(self, graph: Topology, num_draws: int, seed: int) -> FloatArray:
        """Return ``degree / k`` for edges that were chosen and 0 for the others."""
        multipliers_RE = np.zeros((num_draws, graph.num_edges))
        pool = np.empty(int(np.diff(graph.offsets).max(initial=0)), dtype=np.int64)
        rng = np.random.default_rng(seed)
        sample_edges(graph.offsets, self.num_edges, rng, pool, multipliers_RE)
        return multipliers_RE

    def __repr__(self) -> str:
        return f"EdgeSampling(num_edges={self.num_edges})"


class PathSampling(Sampler):
    """Keep the edges of a fixed number of independent random paths from each input.

    A path leaves each vertex along one of its edges, all alike. Of n paths at a vertex, c go along
    an edge, whose multiplier ``degree c / n`` has mean 1. Where sampled paths meet, reverse
    accumulation also uses the paths that switch from one to the other, which costs nothing.

    Args:
        num_paths: Paths from each input, at least 1.

    Raises:
        UsageError: If ``num_paths`` is less than 1.

    Example:
        >>> from radexp.graph import interleaved
        >>> PathSampling(1).sample(interleaved(8, 3, seed=0), seed=0).num_edges
        4

    Source: section 3.1 of the paper.
    """

    def __init__(self, num_paths: int) -> None:
        require(num_paths >= 1, f"num_paths={num_paths}", "at least 1", "try num_paths=1")
        self.num_paths = num_paths

    def multipliers(self, graph: Topology, num_draws: int, seed: int) -> FloatArray:
        """Return ``degree c / n`` for edges that c of n paths went along."""
        multipliers_RE = np.zeros((num_draws, graph.num_edges))
        visits = np.empty(graph.num_vertices, dtype=np.int64)
        inputs, rng = np.array(graph.inputs, dtype=np.int64), np.random.default_rng(seed)
        sample_walks(
            graph.offsets, graph.targets, self.num_paths, inputs, rng, visits, multipliers_RE
        )
        return multipliers_RE

    def __repr__(self) -> str:
        return f"PathSampling(num_paths={self.num_paths})"
