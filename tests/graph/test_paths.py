"""Bauer's formula, reverse and forward accumulation agree with autograd and with each other."""

import numpy as np
import pytest

from radexp.errors import UsageError
from radexp.graph import count_paths, forward, interleaved, path_sum, paths, reverse, trace


def test_figure_1_by_hand(figure1):
    graph = trace(figure1.function, figure1.point)
    assert count_paths(graph) == len(list(paths(graph))) == 4
    for method in (path_sum, reverse, forward):
        np.testing.assert_allclose(method(graph), figure1.gradient, rtol=1e-14)


def test_100_random_functions_agree_with_autograd(programs):
    counts = []
    for program in programs:
        graph, gradient = program.traced(), program.gradient()
        counts.append(count_paths(graph))
        for method in (path_sum, reverse, forward):
            np.testing.assert_allclose(method(graph), gradient, rtol=1e-10, atol=1e-10)
    assert np.median(counts) > 10  # they do branch
    assert sum(count > 100 for count in counts) > 10


def test_every_path_goes_from_an_input_to_the_output_and_comes_once(programs):
    graph = programs[3].traced()
    found = list(paths(graph))
    assert len(set(found)) == len(found) == count_paths(graph)
    for edges in found:
        assert graph.sources[edges[0]] in graph.inputs
        assert graph.targets[edges[-1]] == graph.output
        assert (graph.targets[list(edges[:-1])] == graph.sources[list(edges[1:])]).all()


def test_too_many_paths_are_refused_before_the_first(figure1):
    graph = interleaved(10, 12, seed=0)
    assert count_paths(graph) == 10**12
    with pytest.raises(UsageError, match="1000000000000 paths: allowed is up to 100000 one by one"):
        path_sum(graph)
    with pytest.raises(UsageError, match="4 paths: allowed is up to 3 one by one; use reverse acc"):
        next(paths(trace(figure1.function, figure1.point), limit=3))
    assert len(list(paths(trace(figure1.function, figure1.point), limit=4))) == 4


def test_an_input_that_is_the_output_has_the_empty_path():
    graph = trace(lambda x, y: y, [1.0, 2.0])
    assert list(paths(graph)) == [()]
    for method in (path_sum, reverse, forward):
        assert method(graph).tolist() == [0.0, 1.0]
