"""Sampled edges: how many, with which weights, the same for the same seed; exact at the limit."""

import numpy as np
import pytest

from radexp.errors import UsageError
from radexp.graph import (
    EdgeSampling,
    PathSampling,
    count_paths,
    independent,
    interleaved,
    reverse,
    sampling,
)


def test_k_edges_of_every_vertex_are_kept_and_rescaled():
    graph = interleaved(6, 3, seed=0)
    multipliers = EdgeSampling(2).multipliers(graph, 50, seed=0)
    for vertex in range(graph.num_vertices):
        own = multipliers[:, graph.offsets[vertex] : graph.offsets[vertex + 1]]
        degree = own.shape[1]
        assert set(np.unique(own)) == {0: set(), 1: {1.0}, 6: {0.0, 3.0}}[degree]
        assert (np.count_nonzero(own, axis=1) == min(2, degree)).all()


def test_all_pairs_of_edges_are_chosen_alike_often():
    # Of 4 edges 2 are kept: 6 pairs, each with probability 1/6. Chi-squared with 5 degrees of
    # freedom exceeds 35.9 with a probability of 1e-6.
    draws = 6000
    kept = EdgeSampling(2).multipliers(independent(4, 1, seed=0), draws, seed=1)[:, :4] > 0
    counts = np.bincount(kept @ [1, 2, 4, 8], minlength=16)
    counts = counts[counts > 0]
    assert len(counts) == 6
    assert ((counts - draws / 6) ** 2 / (draws / 6)).sum() < 35.9


def test_walks_keep_one_path_each():
    graph = interleaved(6, 4, seed=0)
    for seed in range(20):
        sampled = PathSampling(1).sample(graph, seed)
        assert sampled.num_edges == 5
        assert count_paths(sampled) == 1
        # The product of the path's derivatives over its probability, 6 ** -4.
        magnitude = 6.0**4 * 6.0 ** (-4 / 2)
        assert abs(reverse(sampled)[0]) == pytest.approx(magnitude)


def test_walks_are_conserved():
    graph = interleaved(6, 4, seed=0)
    (multipliers,) = PathSampling(40).multipliers(graph, 1, seed=0)
    taken = np.zeros(graph.num_edges)
    visits = np.zeros(graph.num_vertices)
    visits[0] = 40
    for edge in range(graph.num_edges):
        source = graph.sources[edge]
        degree = np.count_nonzero(graph.sources == source)
        taken[edge] = multipliers[edge] * visits[source] / degree
        visits[graph.targets[edge]] += taken[edge]
    np.testing.assert_allclose(taken, taken.round(), atol=1e-9)
    assert visits[graph.output] == pytest.approx(40)


@pytest.mark.parametrize("sampler", [EdgeSampling(2), PathSampling(3)], ids=repr)
def test_the_seed_decides(sampler):
    graph = interleaved(6, 3, seed=0)
    same = sampler.gradients(graph, 10, seed=0)
    assert (same == sampler.gradients(graph, 10, seed=0)).all()
    assert not (same == sampler.gradients(graph, 10, seed=1)).all()
    assert len(np.unique(same)) > 2


def test_draws_in_blocks_are_independent_draws(monkeypatch):
    graph = interleaved(6, 3, seed=0)
    monkeypatch.setattr(sampling, "BLOCK", 3 * graph.num_edges)
    draws = EdgeSampling(2).gradients(graph, 10, seed=0)
    assert draws.shape == (10, 1)
    # The first draws of two blocks, of three each, agree by chance alone.
    assert len(np.unique(draws[::3])) > 1


def test_all_edges_are_the_graph_itself(programs):
    for program in programs[:10]:
        graph = program.traced()
        draws = EdgeSampling(1000).gradients(graph, 3, seed=0)
        np.testing.assert_allclose(draws, np.tile(reverse(graph), (3, 1)), rtol=1e-14)


def test_paths_that_are_all_alike_leave_no_variance():
    # Variance comes from edges that differ: with equal derivatives, k of W edges times W / k add
    # up to the same whichever they are, at any depth.
    graph = interleaved(6, 5, seed=0)
    alike = graph.reweighted(np.sign(graph.derivatives))
    draws = EdgeSampling(2).gradients(alike, 20, seed=0)
    np.testing.assert_allclose(draws, reverse(alike)[0], rtol=1e-12)
    assert EdgeSampling(2).gradients(graph, 20, seed=0).std() > 1


def test_no_draws_are_an_empty_table():
    assert EdgeSampling(1).gradients(independent(2, 1, seed=0), 0, seed=0).shape == (0, 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EdgeSampling(0), "num_edges=0: allowed is at least 1; try num_edges=1"),
        (lambda: PathSampling(-1), "num_paths=-1: allowed is at least 1; try num_paths=1"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(UsageError, match=message):
        build()


def test_samplers_show_their_settings():
    assert repr(EdgeSampling(2)) == "EdgeSampling(num_edges=2)"
    assert repr(PathSampling(3)) == "PathSampling(num_paths=3)"
