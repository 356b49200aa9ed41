"""Settings for layers: the best where noise is convex, and never worse than all layers alike."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radexp.memory.allocation import Cost, allocate

FIRST = {"a": 9, "b": 4, "c": 1}


def total(costs, chosen):
    of_layers = [costs[name][setting] for name, setting in chosen.items()]
    return tuple(map(sum, zip(*of_layers, strict=True)))


def best(costs, room):
    """Return the least noise of all choices that fit."""
    choices = (dict(zip(costs, c, strict=True)) for c in product(*costs.values()))
    return min(noise for size, noise in (total(costs, c) for c in choices) if size <= room)


@pytest.mark.parametrize("room", range(22, 67, 4))
def test_of_layers_alike_in_size_it_is_the_best(room):
    beaten = {"dearer": Cost(15, 2.9), "noisier": Cost(14, 3.0)}
    costs = {
        name: {b: Cost(7 * b, first * 4.0 ** (1 - b)) for b in (3, 1, 2)} | beaten
        for name, first in FIRST.items()
    }
    chosen = allocate(costs, room)
    size, noise = total(costs, chosen)
    assert size <= room
    assert noise == pytest.approx(best(costs, room), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    layers=st.lists(
        st.tuples(st.floats(1e-3, 1e3), st.floats(0.1, 0.9), st.integers(1, 50)),
        min_size=1,
        max_size=4,
    ),
    share=st.floats(0, 1),
)
def test_it_fits_and_is_never_worse_than_all_layers_alike(layers, share):
    costs = {
        str(i): {b: Cost(size * b, first * fall ** (b - 1)) for b in range(1, 5)}
        for i, (first, fall, size) in enumerate(layers)
    }
    alike = [total(costs, dict.fromkeys(costs, b)) for b in range(1, 5)]
    room = alike[0][0] + int(share * (alike[-1][0] - alike[0][0]))
    size, noise = total(costs, allocate(costs, room))
    assert size <= room
    assert all(noise <= its for needed, its in alike if needed <= room)


def test_what_fits_to_the_byte_is_not_lost_by_counting_in_parts():
    costs = {name: {1: Cost(0, 1.0), 2: Cost(33_334, 0.0)} for name in FIRST}
    assert allocate(costs, room=100_002) == dict.fromkeys(FIRST, 2)


def test_where_nothing_fits_it_is_the_cheapest_of_all():
    assert allocate({"a": {1: Cost(20, 1.0), 2: Cost(10, 2.0)}}, room=9) == {"a": 2}


def test_a_network_without_layers_has_none():
    assert allocate({}, room=0) == {}
