"""Levels for layers: the best that there are where noise is convex, and never worse than alike."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radexp.memory.allocation import allocate

FIRST = {"a": 9, "b": 4, "c": 1}


def total(table, chosen):
    return sum(table[name][level] for name, level in chosen.items())


def best(noise, bytes_, room):
    """Return the least noise of all choices that fit."""
    choices = product(*(range(len(levels)) for levels in noise.values()))
    fitting = [dict(zip(noise, c, strict=True)) for c in choices]
    return min(total(noise, c) for c in fitting if total(bytes_, c) <= room)


@pytest.mark.parametrize("room", range(22, 67, 4))
def test_of_layers_alike_in_size_it_is_the_best(room):
    noise = {name: [first * 4.0**-b for b in range(3)] for name, first in FIRST.items()}
    bytes_ = {name: [7, 14, 21] for name in noise}
    chosen = allocate(noise, bytes_, room)
    assert total(bytes_, chosen) <= room
    assert total(noise, chosen) == pytest.approx(best(noise, bytes_, room), rel=1e-12)


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
    noise = {str(i): [first * fall**b for b in range(4)] for i, (first, fall, _) in _each(layers)}
    bytes_ = {str(i): [size * b for b in range(1, 5)] for i, (*_, size) in _each(layers)}
    least, most = (sum(levels[at] for levels in bytes_.values()) for at in (0, -1))
    room = least + int(share * (most - least))
    chosen = allocate(noise, bytes_, room)
    assert total(bytes_, chosen) <= room
    for level in range(4):
        alike = dict.fromkeys(noise, level)
        if total(bytes_, alike) <= room:
            assert total(noise, chosen) <= total(noise, alike)


def _each(layers):
    return list(enumerate(layers))


def test_where_nothing_fits_it_is_the_first_of_all():
    assert allocate({"a": [2.0, 1.0]}, {"a": [10, 20]}, room=9) == {"a": 0}


def test_a_network_without_layers_has_none():
    assert allocate({}, {}, room=0) == {}
