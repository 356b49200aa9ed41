"""The table of paths adds up to the gradient; too many paths leave it empty."""

import pytest

from radexp.graph import interleaved, reverse, trace
from radexp.graph.path_table import path_table


def test_products_add_up(figure1):
    graph = trace(figure1.function, figure1.point)
    sums = path_table(graph).groupby("input")["product"].sum()
    assert sums.tolist() == pytest.approx(reverse(graph).tolist())


def test_an_input_that_is_returned_has_one_path_of_its_own():
    (row,) = path_table(trace(lambda x: x, [1.0])).to_dict("records")
    assert row == {"input": "x", "path": "x", "product": 1.0}


def test_too_many_paths_leave_it_empty():
    table = path_table(interleaved(10, 8, seed=0))
    assert (len(table), list(table)) == (0, ["input", "path", "product"])
