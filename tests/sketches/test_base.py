"""What all sketches share: how many coordinates a fraction keeps, and the registry."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radexp.sketches import Exact, Projection, Sampling, Sketch, num_kept


@given(st.integers(1, 1000), st.integers(1, 100_000))
def test_num_kept_is_the_ceiling_of_the_decimal_product(thousandths, size):
    assert num_kept(thousandths / 1000, size) == -(-thousandths * size // 1000)


@given(st.integers(1, 10_000), st.data())
def test_a_fraction_made_from_a_count_keeps_that_count(size, data):
    count = data.draw(st.integers(1, size))
    assert num_kept(count / size, size) == count


@given(st.floats(1e-12, 1), st.integers(1, 10**6))
def test_num_kept_is_at_least_one_and_at_most_all(keep, size):
    assert 1 <= num_kept(keep, size) <= size


def test_sketches_register_themselves_by_name():
    assert Sketch.registry["exact"] is Exact
    assert Sketch.registry["sampling"] is Sampling
    assert Sketch.registry["projection"] is Projection


def test_an_unfinished_sketch_cannot_be_built():
    with pytest.raises(TypeError, match="abstract"):
        Sketch()


def test_the_default_contract_sums_over_groups_and_rows():
    x_GND, g_GNO = torch.arange(12.0).view(2, 3, 2), torch.ones(2, 3, 4)
    result = Exact().contract(g_GNO, (x_GND,), (2, 3, 2), seed=0)
    assert torch.equal(result, x_GND.sum((0, 1)).expand(4, 2))
