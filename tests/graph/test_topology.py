"""Topologies that are none are refused; offsets, levels and the graph's own checks."""

import numpy as np
import pytest

from radexp.errors import UsageError
from radexp.graph import Graph, Topology, interleaved


def topology(sources, targets, inputs=(0,), output=2):
    return Topology(("a", "b", "c"), np.array(sources), np.array(targets), inputs, output)


def test_offsets_and_levels():
    graph = topology([0, 0, 1], [1, 2, 2])
    assert graph.offsets.tolist() == [0, 2, 3, 3]
    assert graph.levels.tolist() == [0, 1, 2]
    assert interleaved(3, 2, 0).levels.tolist() == [0, 1, 1, 1, 2, 2, 2, 3]
    assert repr(graph) == "Topology(3 vertices, 3 edges, inputs=(0,), output=2)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [1]), r"\(2,\) sources and \(1,\) targets: allowed is two lists of one length"),
        (
            ([0, 1], [1, 1]),
            r"edges from \[0, 1\] to \[1, 1\]: allowed is 0 <= source < target <= 2",
        ),
        (([0], [3]), "allowed is 0 <= source < target <= 2; number the vertices in topological"),
        (([-1], [1]), r"edges from \[-1\] to \[1\]: allowed is 0 <= source"),
        (([1, 0], [2, 1]), r"edges from \[1, 0\] to \[2, 1\]: allowed is edges sorted by source"),
        (([0], [1], ()), "inputs .*: allowed is different inputs, at least one, and an output"),
        (([0], [1], (0, 0)), r"inputs \(0, 0\) and output 2: allowed is different inputs"),
        (([0], [1], (0,), 3), "each from 0 to 2; name vertices that there are"),
        (([0], [1], (0, 1)), r"edges into inputs \[1\]: allowed is none; name other inputs"),
        (([0] * 9, [1] * 8 + [0]), r"edges from \[0, 0, 0, 0, 0, 0, \.\.\.\] to"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(UsageError, match=message):
        topology(*arguments)


def test_a_graph_has_one_derivative_for_each_edge():
    parts = topology([0, 1], [1, 2]).parts
    assert Graph(*parts, np.array([2.0, 3.0])).num_edges == 2
    with pytest.raises(UsageError, match=r"\(1,\) derivatives: allowed is one for each of 2 edges"):
        Graph(*parts, np.array([2.0]))
