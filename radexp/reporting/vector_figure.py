"""Graphs of tensors as pictures: shapes on vertices, kinds of Jacobians on edges, injections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from radexp.graph import VectorGraph
from radexp.graph.jacobians import Diagonal, Jacobian
from radexp.reporting.graph_figure import (
    KEPT,
    MAX_PANELS,
    FloatArray,
    draw_distribution,
    draw_topology,
    picture_size,
)

INJECTED, EXACT, MEAN = "#009E73", "#000000", "#D55E00"
MAX_BARS = 40
COLUMN, ROW = 1.5, 1.15  # how much wider and higher than a graph of scalars


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as it is typed on the command line.

    Args:
        shape: Of a tensor.

    Example:
        >>> shape_text((2, 3)), shape_text(())
        ('[2,3]', '[]')
    """
    return f"[{','.join(map(str, shape))}]"


def jacobian_kind(jacobian: Jacobian) -> str:
    """Return ``diagonal`` or ``dense``.

    Args:
        jacobian: Of an edge.
    """
    return "diagonal" if isinstance(jacobian, Diagonal) else "dense"


def draw_vectors(axes: Axes, graph: VectorGraph, injected: Sequence[int] = ()) -> None:
    """Draw a graph of tensors, with each edge's number and Jacobian.

    Args:
        axes: Where.
        graph: Traced by ``trace_tensors``.
        injected: Edges behind which a random matrix P is injected; they have another colour.
    """
    texts = [
        f"{name}\n{shape_text(shape)}"
        for name, shape in zip(graph.names, graph.shapes, strict=True)
    ]
    labels, colors = [], []
    for edge, jacobian in enumerate(graph.jacobians):
        rows, columns = jacobian.shape
        kind = f"{edge}: {jacobian_kind(jacobian)}\n{rows} x {columns}"
        labels.append(f"{kind}, P" if edge in injected else kind)
        colors.append(INJECTED if edge in injected else KEPT)
    draw_topology(axes, graph, texts, labels, colors)


def write_vector_figure(graph: VectorGraph, title: str, file: IO[bytes]) -> None:
    """Write a PNG of the whole graph.

    Args:
        graph: Traced by ``trace_tensors``.
        title: What it is the graph of.
        file: Where the PNG goes.
    """
    figure = Figure(figsize=_size(graph), layout="constrained")
    axes = figure.subplots()
    draw_vectors(axes, graph)
    axes.set_title(f"{title}: local Jacobians")
    figure.savefig(file, format="png", dpi=110)


def write_injected_figure(
    graph: VectorGraph,
    injected: Sequence[int],
    exact: Sequence[FloatArray],
    estimates: Sequence[FloatArray],
    title: str,
    file: IO[bytes],
) -> None:
    """Write a PNG of where matrices were injected, and of what became of the gradient.

    Args:
        graph: Traced by ``trace_tensors``; its output is one number.
        injected: Edges behind which a random matrix is injected.
        exact: The gradient with respect to each input, shape (D,).
        estimates: Of each of them, shape (R, D).
        title: What was injected.
        file: Where the PNG goes.
    """
    width, height = _size(graph)
    figure = Figure(figsize=(width, height + 3.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[height, 3.2])
    axes = upper.subplots()
    draw_vectors(axes, graph, injected)
    axes.set_title(f"{title}: P with mean I, in green")
    shown = min(MAX_PANELS, len(exact))
    panels = lower.subplots(1, shown, squeeze=False)[0]
    for m, panel in enumerate(panels):
        name = graph.names[graph.inputs[m]]
        if len(exact[m]) == 1:
            draw_distribution(panel, estimates[m][:, 0], float(exact[m][0]), name)
        else:
            draw_entries(panel, estimates[m], exact[m], name)
    figure.savefig(file, format="png", dpi=110)


def draw_entries(axes: Axes, estimates_RD: FloatArray, exact_D: FloatArray, name: str) -> None:
    """Draw the distribution of each entry's estimates around the gradient's entry.

    Args:
        axes: Where.
        estimates_RD: The estimates.
        exact_D: The gradient.
        name: With respect to what.
    """
    places = np.unique(np.linspace(0, len(exact_D) - 1, MAX_BARS).astype(int))
    low, high = np.quantile(estimates_RD[:, places], [0.005, 0.995], axis=0)
    axes.vlines(places, low, high, color=KEPT, alpha=0.4, linewidth=4, label="99% of the estimates")
    mean = estimates_RD[:, places].mean(axis=0)
    label = f"mean of {len(estimates_RD)}"
    axes.plot(places, mean, "o", ms=5, color=MEAN, label=label)
    axes.plot(places, exact_D[places], "_", ms=11, mew=1.5, color=EXACT, label="exact")
    some = f", {len(places)} of {len(exact_D)} entries" if len(places) < len(exact_D) else ""
    axes.set_xlabel(f"entry of d output / d {name}{some}".replace("$", r"\$"))
    axes.margins(y=0.25)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=7, loc="upper right", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)


def _size(graph: VectorGraph) -> tuple[float, float]:
    width, height = picture_size(graph)
    return min(24.0, COLUMN * width), min(16.0, ROW * height)
