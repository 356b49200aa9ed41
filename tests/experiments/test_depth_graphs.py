"""The graph study: every combination, in blocks, and zero where all edges are kept."""

import pandas as pd
import pytest

from radexp.experiments import depth_graphs
from radexp.experiments.depth_graphs import BUILDERS, graph_rows, path_variance


def test_all_edges_kept_have_no_variance():
    for build in BUILDERS.values():
        assert path_variance(build(8, 3, 0), 8, 50, 0) == pytest.approx(0, abs=1e-25)


def test_rows_cover_every_combination_and_the_seed_decides():
    settings = {
        "width": 8,
        "depths": [1, 3],
        "fractions": [0.25, 0.5],
        "seeds": [0, 1],
        "draws": 20,
    }
    rows = pd.DataFrame(graph_rows(**settings))
    assert len(rows) == 2 * 2 * 2 * 2 == len(rows.drop_duplicates(["arm", "kept", "depth", "seed"]))
    assert set(rows["kept"]) == {2, 4}
    pd.testing.assert_frame_equal(rows, pd.DataFrame(graph_rows(**settings)))
    assert rows["variance"].nunique() == len(rows)


def test_blocks_of_draws_add_up(monkeypatch):
    graph = BUILDERS["interleaved"](8, 2, 0)
    monkeypatch.setattr(depth_graphs, "BLOCK", 7 * graph.num_edges)
    # One seed's mean over 2,000 draws of (W / k)^2 - 1 = 3, with a relative deviation of about 2.
    assert path_variance(graph, 4, 2000, 0) == pytest.approx(3, rel=0.3)
