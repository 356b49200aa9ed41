"""Accumulation solves the triangular system of the graph, many times over, and fast."""

import statistics
import time

import numpy as np

from radexp.graph import Graph, forward, interleaved, reverse, reverse_many


def random_graph(num_vertices, num_edges, seed):
    rng = np.random.default_rng(seed)
    sources = np.sort(rng.integers(0, num_vertices - 1, num_edges))
    targets = sources + 1 + (rng.random(num_edges) * (num_vertices - 1 - sources)).astype(np.int64)
    targets[targets == 1] = 2  # nothing enters the inputs
    names = tuple(map(str, range(num_vertices)))
    derivatives = rng.normal(size=num_edges) * 0.3
    return Graph(names, sources, targets, (0, 1), num_vertices - 1, derivatives)


def dense_gradient(graph, derivatives):
    """Solve ``(I - A) adjoint = e_output``, with A the matrix of local derivatives."""
    matrix = np.eye(graph.num_vertices)
    np.subtract.at(matrix, (graph.sources, graph.targets), derivatives)
    unit = np.zeros(graph.num_vertices)
    unit[graph.output] = 1
    return np.linalg.solve(matrix, unit)[list(graph.inputs)]


def test_reverse_and_forward_solve_the_triangular_system():
    for seed in range(20):
        graph = random_graph(30, 90, seed)
        expected = dense_gradient(graph, graph.derivatives)
        np.testing.assert_allclose(reverse(graph), expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(forward(graph), expected, rtol=1e-12, atol=1e-12)


def test_many_sets_of_multipliers_are_many_graphs():
    graph = random_graph(30, 90, 0)
    multipliers = np.random.default_rng(1).integers(0, 3, (5, 90)).astype(float)
    together = reverse_many(graph, multipliers)
    for row, each in zip(together, multipliers, strict=True):
        np.testing.assert_allclose(row, dense_gradient(graph, graph.derivatives * each), rtol=1e-12)
        np.testing.assert_allclose(row, reverse(graph.reweighted(each)), rtol=1e-12)


def test_a_graph_of_100_000_edges_reverses_in_under_a_second():
    graph = interleaved(100, 11, seed=0)
    assert graph.num_edges >= 100_000
    reverse(graph)  # compiled
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        reverse(graph)
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < 1
