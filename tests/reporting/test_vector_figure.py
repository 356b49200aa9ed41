"""Graphs of tensors are drawn with shapes, kinds of Jacobians and where matrices are injected."""

from io import BytesIO

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from radexp.graph import trace_tensors
from radexp.reporting.vector_figure import (
    INJECTED,
    MAX_BARS,
    draw_entries,
    draw_vectors,
    write_injected_figure,
    write_vector_figure,
)


@pytest.fixture
def graph():
    return trace_tensors(
        lambda x, b: (torch.exp(x) + b).sum(), [torch.zeros(2, 3), torch.zeros(())]
    )


def test_vertices_have_shapes_and_edges_numbers_and_kinds(graph):
    axes = Figure().subplots()
    draw_vectors(axes, graph, injected=[1])
    texts = [text.get_text() for text in axes.texts]
    assert {"x\n[2,3]", "b\n[]", "v2 exp\n[2,3]", "v4 sum\n[]"} < set(texts)
    labels = [text for text in texts if ":" in text]
    assert sorted(labels) == [
        *("0: diagonal\n6 x 6", "1: dense\n6 x 1, P", "2: diagonal\n6 x 6", "3: dense\n1 x 6"),
    ]
    marked = [text.get_text() for text in axes.texts if text.get_color() == INJECTED]
    assert marked == ["1: dense\n6 x 1, P"]


def image(file):
    file.seek(0)
    return matplotlib.image.imread(file)


def test_pictures_are_drawn_and_depend_on_what_was_injected(graph):
    whole = BytesIO()
    write_vector_figure(graph, "a $title", whole)
    assert image(whole).std() > 0.05
    exact = [np.ones(6), np.full(1, 6.0)]
    noise = np.random.default_rng(0).normal(size=(30, 7))
    estimates = [1 + noise[:, :6], 6 + noise[:, 6:]]
    pictures = []
    for edges in ([0], [0, 1], [0]):
        file = BytesIO()
        write_injected_figure(graph, edges, exact, estimates, "title", file)
        pictures.append(image(file))
    assert np.array_equal(pictures[0], pictures[2])
    assert not np.array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize(("size", "shown"), [(3, 3), (1000, MAX_BARS)])
def test_entries_are_shown_as_far_as_there_is_room(size, shown):
    axes = Figure().subplots()
    exact = np.arange(size, dtype=float)
    draw_entries(axes, np.tile(exact, (5, 1)), exact, "x$")
    mean, line = axes.lines
    assert len(mean.get_xdata()) == shown
    assert mean.get_ydata().tolist() == line.get_ydata().tolist() == mean.get_xdata().tolist()
    some = f", {shown} of {size} entries" if shown < size else ""
    assert axes.get_xlabel() == f"entry of d output / d x\\${some}"
