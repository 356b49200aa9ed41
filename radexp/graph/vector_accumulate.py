"""Accumulation on graphs of vectors, with random matrices injected at chosen edges."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from radexp.errors import require
from radexp.graph.injection import project_groups
from radexp.graph.paths import MAX_PATHS, paths
from radexp.graph.vectors import VectorGraph
from radexp.seeding import derive_seed
from radexp.sketches import Sketch


def reverse_jacobians(
    graph: VectorGraph, injections: Mapping[int, Sketch] | None = None, seed: int = 0
) -> list[Tensor]:
    """Return the output's Jacobian with respect to each input, by reverse accumulation.

    ``adjoint[u] = sum over edges u -> v of adjoint[v] J P``, with the identity at the output, P = I
    where nothing is injected, and else a random matrix with E[P] = I, independent at each edge.
    Every path meets an edge at most once, so the result's mean is the Jacobian.

    Args:
        graph: Traced by ``trace_tensors``.
        injections: Sketches by the number of the edge after whose Jacobian they are injected.
        seed: Of the draws, from which each edge's own seed is derived.

    Returns:
        For each input its Jacobian, shape (C, D), C the output's size and D the input's.

    Raises:
        UsageError: If there is no such edge.

    Example:
        >>> from radexp.graph import trace_tensors
        >>> from radexp.sketches import Sampling
        >>> graph = trace_tensors(lambda x: (2 * x).sum(), [torch.ones(4)])
        >>> reverse_jacobians(graph)[0].tolist()
        [[2.0, 2.0, 2.0, 2.0]]
        >>> sorted(reverse_jacobians(graph, {0: Sampling(0.25)})[0].flatten().tolist())
        [0.0, 0.0, 0.0, 8.0]

    Source: section 3.2 of the paper.
    """
    return [found_RCD[0] for found_RCD in sample_jacobians(graph, injections or {}, 1, seed)]


def sample_jacobians(
    graph: VectorGraph, injections: Mapping[int, Sketch], draws: int, seed: int = 0
) -> list[Tensor]:
    """Return independent estimates of the output's Jacobian with respect to each input.

    Each is one that ``reverse_jacobians`` could return; all of them go through the graph at once.

    Args:
        graph: Traced by ``trace_tensors``.
        injections: Sketches by the number of the edge after whose Jacobian they are injected.
        draws: R, how many.
        seed: Of the draws.

    Returns:
        For each input its estimates, shape (R, C, D), C the output's size and D the input's.

    Raises:
        UsageError: If there is no such edge.

    Example:
        >>> from radexp.graph import trace_tensors
        >>> from radexp.sketches import Sampling
        >>> graph = trace_tensors(lambda x: (2 * x).sum(), [torch.ones(4)])
        >>> (estimates,) = sample_jacobians(graph, {0: Sampling(0.25)}, draws=4000)
        >>> torch.allclose(estimates.mean(dim=0), torch.full((1, 4), 2.0), atol=0.3)
        True

    Source: section 3.2 of the paper.
    """
    sketches = dict(injections)
    known = all(0 <= edge < graph.num_edges for edge in sketches)
    allowed = f"edges 0 to {graph.num_edges - 1}"
    require(known, f"injections at {sorted(sketches)}", allowed, "count edges in the graph's order")
    num_outputs = graph.sizes[graph.output]
    zeros = [torch.zeros(1, num_outputs, size, dtype=graph.dtype) for size in graph.sizes]
    adjoints = [zero.expand(draws, -1, -1) for zero in zeros]
    adjoints[graph.output] = torch.eye(num_outputs, dtype=graph.dtype).expand(draws, -1, -1)
    for edge in range(graph.num_edges - 1, -1, -1):
        contribution = graph.jacobians[edge].pull(adjoints[graph.targets[edge]])
        if edge in sketches:
            contribution = project_groups(contribution, sketches[edge], derive_seed(seed, edge))
        source = graph.sources[edge]
        adjoints[source] = adjoints[source] + contribution
    return [adjoints[vertex] for vertex in graph.inputs]


def forward_jacobians(graph: VectorGraph) -> list[Tensor]:
    """Return the output's Jacobian with respect to each input, by forward accumulation.

    Args:
        graph: Traced by ``trace_tensors``.

    Example:
        >>> from radexp.graph import trace_tensors
        >>> forward_jacobians(trace_tensors(lambda x: (2 * x).sum(), [torch.ones(3)]))[0].tolist()
        [[2.0, 2.0, 2.0]]
    """
    results = []
    for vertex in graph.inputs:
        width = graph.sizes[vertex]
        tangents = [torch.zeros(size, width, dtype=graph.dtype) for size in graph.sizes]
        tangents[vertex] = torch.eye(width, dtype=graph.dtype)
        for edge, jacobian in enumerate(graph.jacobians):
            tangents[graph.targets[edge]] += jacobian.push(tangents[graph.sources[edge]])
        results.append(tangents[graph.output])
    return results


def path_sum_jacobians(graph: VectorGraph, limit: int = MAX_PATHS) -> list[Tensor]:
    """Return the output's Jacobian with respect to each input, as Bauer's formula writes it.

    Each path adds the product of its Jacobians, the output's on the left.

    Args:
        graph: Traced by ``trace_tensors``.
        limit: How many paths are not too many.

    Raises:
        UsageError: If there are more paths than ``limit``.

    Example:
        >>> from radexp.graph import trace_tensors
        >>> path_sum_jacobians(trace_tensors(lambda x: (x * x).sum(), [torch.ones(2)]))[0].tolist()
        [[2.0, 2.0]]
    """
    size, sizes = graph.sizes[graph.output], graph.sizes
    sums = {v: torch.zeros(size, sizes[v], dtype=graph.dtype) for v in graph.inputs}
    for edges in paths(graph, limit):
        product = torch.eye(size, dtype=graph.dtype)
        for edge in reversed(edges):
            product = graph.jacobians[edge].pull(product)
        sums[int(graph.sources[edges[0]]) if edges else graph.output] += product
    return [sums[vertex] for vertex in graph.inputs]
