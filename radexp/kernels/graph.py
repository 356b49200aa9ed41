"""Accumulation over the edges of a graph, and the random choice of edges.

Shapes: V vertices, E edges, R repetitions, M inputs. Vertices are in topological order and edges
are sorted by source; ``offsets`` (V + 1) says where the edges of each vertex begin.
"""

from __future__ import annotations

from typing import Any

from radexp.kernels.parallel import compiled


@compiled()
def accumulate_reverse(sources: Any, targets: Any, weights_RE: Any, adjoints_RV: Any) -> None:
    """Add ``weight * adjoint[target]`` to ``adjoint[source]`` for every edge, last edge first.

    An edge's target comes after its source, so all edges that leave the target lie behind it: the
    target's adjoint is complete when the edge is reached.
    """
    for r in range(len(weights_RE)):
        weights, adjoints = weights_RE[r], adjoints_RV[r]
        for e in range(len(sources) - 1, -1, -1):
            adjoints[sources[e]] += weights[e] * adjoints[targets[e]]


@compiled()
def accumulate_forward(sources: Any, targets: Any, weights: Any, tangents_VM: Any) -> None:
    """Add ``weight * tangent[source]`` to ``tangent[target]`` for every edge, first edge first.

    Edges into a vertex leave vertices before it, so its tangent is complete when the first of its
    own edges is reached.
    """
    for e in range(len(sources)):
        for m in range(tangents_VM.shape[1]):
            tangents_VM[targets[e], m] += weights[e] * tangents_VM[sources[e], m]


@compiled()
def sample_edges(offsets: Any, num_edges: int, rng: Any, pool: Any, multipliers_RE: Any) -> None:
    """Choose ``num_edges`` edges of each vertex without replacement, anew in each repetition.

    A vertex with ``degree`` edges gives those chosen the multiplier ``degree / num_edges``, and 1
    to all if there are no more than ``num_edges``. The choice begins a random permutation.

    Args:
        offsets: Where each vertex's edges begin.
        num_edges: Edges to choose of each vertex.
        rng: NumPy generator.
        pool: Work space, int64, as long as the largest degree.
        multipliers_RE: Result, zero on entry.
    """
    for r in range(len(multipliers_RE)):
        for v in range(len(offsets) - 1):
            start, degree = offsets[v], offsets[v + 1] - offsets[v]
            if degree <= num_edges:
                multipliers_RE[r, start : start + degree] = 1.0
                continue
            for i in range(degree):
                pool[i] = i
            for i in range(num_edges):
                j = i + int(rng.random() * (degree - i))
                pool[i], pool[j] = pool[j], pool[i]
                multipliers_RE[r, start + pool[i]] = degree / num_edges


@compiled()
def sample_walks(
    offsets: Any, targets: Any, num_walks: int, inputs: Any, rng: Any, visits: Any, multipliers: Any
) -> None:
    """Let random walks start at each input, and weigh edges by how often they are walked.

    Each walk leaves a vertex along one of its ``degree`` edges, all alike. Of ``n`` walks at a
    vertex ``c`` take an edge: its multiplier is ``degree c / n``, of mean 1.

    Args:
        offsets: Where each vertex's edges begin.
        targets: Targets of edges.
        num_walks: Walks to start at each input.
        inputs: Input vertices.
        rng: NumPy generator.
        visits: Work space, int64 (V).
        multipliers: Result (R, E), zero on entry.
    """
    for r in range(len(multipliers)):
        visits[:] = 0
        for m in range(len(inputs)):
            visits[inputs[m]] += num_walks
        for v in range(len(offsets) - 1):
            start, degree = offsets[v], offsets[v + 1] - offsets[v]
            if degree == 0:
                continue
            for _ in range(visits[v]):
                e = start + int(rng.random() * degree)
                multipliers[r, e] += degree / visits[v]
                visits[targets[e]] += 1
