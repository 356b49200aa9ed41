"""The two layered graphs: sizes, numbers of paths, and paths whose squares add up to 1."""

import numpy as np
import pytest

from radexp.errors import UsageError
from radexp.graph import count_paths, independent, interleaved, paths


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (3, 1), (1, 4), (3, 4)])
def test_sizes_and_paths(width, depth):
    apart, mixed = independent(width, depth, 0), interleaved(width, depth, 0)
    assert apart.num_vertices == mixed.num_vertices == 2 + width * depth
    assert apart.num_edges == width * (depth + 1)
    assert mixed.num_edges == 2 * width + (depth - 1) * width**2
    assert (count_paths(apart), count_paths(mixed)) == (width, width**depth)
    for graph in (apart, mixed):
        products = [graph.derivatives[list(edges)].prod() for edges in paths(graph)]
        assert np.square(products).sum() == pytest.approx(1)
        assert {len(edges) for edges in paths(graph)} == {depth + 1}


def test_at_depth_1_the_two_are_the_same():
    apart, mixed = independent(5, 1, seed=2), interleaved(5, 1, seed=2)
    assert apart.sources.tolist() == mixed.sources.tolist()
    assert apart.targets.tolist() == mixed.targets.tolist()
    assert apart.derivatives.tolist() == mixed.derivatives.tolist()


def test_the_seed_decides_the_signs():
    graph = interleaved(5, 3, seed=0)
    assert (graph.derivatives == interleaved(5, 3, seed=0).derivatives).all()
    assert (graph.derivatives != interleaved(5, 3, seed=1).derivatives).any()


@pytest.mark.parametrize("build", [independent, interleaved])
def test_refusals(build):
    with pytest.raises(UsageError, match="width=0 depth=3: allowed is whole numbers of at least 1"):
        build(0, 3, seed=0)
    with pytest.raises(
        UsageError, match=r"width=3 depth=0: allowed is whole .*; try width=8 depth=3"
    ):
        build(3, 0, seed=0)
