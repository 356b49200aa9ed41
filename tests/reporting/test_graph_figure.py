"""Layouts put vertices in their columns and edges around each other; pictures are drawn."""

from io import BytesIO

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from radexp.graph import EdgeSampling, interleaved, reverse, trace
from radexp.graph.examples import EXAMPLES
from radexp.reporting.graph_figure import (
    draw_graph,
    layout,
    write_estimates_figure,
    write_graph_figure,
)


@pytest.fixture(params=EXAMPLES)
def graph(request):
    return trace(*EXAMPLES[request.param])


def test_no_two_places_are_the_same_and_edges_go_right(graph):
    places, routes = layout(graph)
    assert places[:, 0].tolist() == graph.levels.tolist()
    inner = [tuple(point) for route in routes for point in route[1:-1]]
    taken = [*map(tuple, places), *inner]
    assert len(set(taken)) == len(taken)
    ends = zip(graph.sources, graph.targets, routes, strict=True)
    for source, target, route in ends:
        assert (route[0] == places[source]).all()
        assert (route[-1] == places[target]).all()
        assert (np.diff(route[:, 0]) == 1).all()


def test_every_vertex_and_every_kept_derivative_is_written():
    graph = trace(*EXAMPLES["figure1"])
    axes = Figure().subplots()
    draw_graph(axes, graph)
    texts = [text.get_text() for text in axes.texts]
    assert set(graph.names) < set(texts)
    assert {f"{value:.3g}" for value in graph.derivatives} < set(texts)
    assert len(texts) == graph.num_vertices + graph.num_edges
    sampled = Figure().subplots()
    multipliers = np.array([2.0, *[0.0] * (graph.num_edges - 1)])
    draw_graph(sampled, graph, multipliers)
    assert len(sampled.texts) == graph.num_vertices + 1
    assert f"{2 * graph.derivatives[0]:.3g}" in [text.get_text() for text in sampled.texts]


def image(file):
    file.seek(0)
    return matplotlib.image.imread(file)


def test_pictures_are_drawn_and_depend_on_what_was_sampled():
    graph, sampler = interleaved(4, 3, seed=0), EdgeSampling(2)
    whole = BytesIO()
    write_graph_figure(graph, "interleaved", whole)
    assert image(whole).std() > 0.05
    estimates, pictures = sampler.gradients(graph, 100, seed=0), []
    for seed in (0, 1, 0):
        file = BytesIO()
        (multipliers,) = sampler.multipliers(graph, 1, seed)
        write_estimates_figure(graph, multipliers, reverse(graph), estimates, "title", file)
        pictures.append(image(file))
    assert np.array_equal(pictures[0], pictures[2])
    assert not np.array_equal(pictures[0], pictures[1])


def test_estimates_without_noise_and_names_with_dollars_are_drawn():
    graph = trace(lambda x, y: x * y, [0.0, 1.0])
    object.__setattr__(graph, "names", ("$x", "y$", "$z$"))
    file = BytesIO()
    estimates = np.tile(reverse(graph), (5, 1))
    write_estimates_figure(graph, np.ones(2), reverse(graph), estimates, "none", file)
    assert image(file).std() > 0.02
