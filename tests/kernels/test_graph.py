"""The compiled loops over edges agree with the same loops in plain Python."""

import numpy as np
import pytest

from radexp.graph import interleaved
from radexp.kernels.graph import accumulate_forward, accumulate_reverse, sample_edges, sample_walks


@pytest.fixture
def graph():
    return interleaved(5, 4, seed=0)


def plain(loop):
    """Return the loop as Python runs it."""
    return loop.py_func


def test_reverse(graph):
    weights = np.random.default_rng(0).normal(size=(3, graph.num_edges))
    results = []
    for loop in (accumulate_reverse, plain(accumulate_reverse)):
        adjoints = np.zeros((3, graph.num_vertices))
        adjoints[:, graph.output] = 1
        loop(graph.sources, graph.targets, weights, adjoints)
        results.append(adjoints)
    np.testing.assert_allclose(*results, rtol=1e-13, atol=1e-13)
    assert np.count_nonzero(results[0]) == results[0].size


def test_forward(graph):
    results = []
    for loop in (accumulate_forward, plain(accumulate_forward)):
        tangents = np.zeros((graph.num_vertices, 2))
        tangents[0] = 1, 3
        loop(graph.sources, graph.targets, graph.derivatives, tangents)
        results.append(tangents)
    np.testing.assert_allclose(*results, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(results[0][:, 1], 3 * results[0][:, 0], rtol=1e-13, atol=1e-13)


def test_sampled_edges(graph):
    results = []
    for loop in (sample_edges, plain(sample_edges)):
        multipliers = np.zeros((4, graph.num_edges))
        pool = np.empty(5, dtype=np.int64)
        loop(graph.offsets, 2, np.random.default_rng(0), pool, multipliers)
        results.append(multipliers)
    assert (results[0] == results[1]).all()
    assert results[0].std(axis=0).max() > 0


def test_walks(graph):
    results = []
    for loop in (sample_walks, plain(sample_walks)):
        multipliers = np.zeros((4, graph.num_edges))
        visits = np.empty(graph.num_vertices, dtype=np.int64)
        rng = np.random.default_rng(0)
        loop(graph.offsets, graph.targets, 3, np.array([0]), rng, visits, multipliers)
        results.append(multipliers)
    np.testing.assert_allclose(*results, rtol=1e-13)
    assert (results[0].sum(axis=1) > 0).all()
