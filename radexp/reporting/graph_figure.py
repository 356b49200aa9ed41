"""Graphs as pictures: layers from left to right, local derivatives on the edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from radexp.graph import Graph, Topology

FloatArray = npt.NDArray[np.float64]
KEPT, DROPPED, VERTEX, END = "#0072B2", "#CCCCCC", "#F4F4F4", "#FBE6C2"
MAX_LABELS = 60
MAX_PANELS = 4
COLUMN_INCHES, ROW_INCHES = 1.4, 0.8


class Layout(NamedTuple):
    """Where a graph is drawn.

    Attributes:
        places: Of the vertices, float64 (V, 2).
        routes: For each edge the points that it goes through, float64 (points, 2).
    """

    places: FloatArray
    routes: list[FloatArray]


def layout(graph: Topology) -> Layout:
    """Lay a graph out in columns, each vertex one column behind the last that feeds it.

    An edge over several columns goes through a place of its own in each of them. Within a column
    all places are ordered by the mean height of what feeds them, and spread evenly.

    Args:
        graph: The graph.

    Example:
        >>> from radexp.graph import trace
        >>> layout(trace(lambda x, y: x * y, [1.0, 2.0])).places.tolist()
        [[0.0, 0.5], [0.0, -0.5], [1.0, 0.0]]
    """
    columns = graph.levels.tolist()
    feeding: list[list[int]] = [[] for _ in columns]
    chains = []
    for source, target in zip(graph.sources.tolist(), graph.targets.tolist(), strict=True):
        chain = [source]
        for column in range(columns[source] + 1, columns[target]):
            chain.append(len(columns))
            columns.append(column)
            feeding.append([chain[-2]])
        feeding[target].append(chain[-1])
        chains.append([*chain, target])
    heights = _heights(columns, feeding)
    points = np.column_stack([np.array(columns, dtype=np.float64), heights])
    return Layout(points[: graph.num_vertices], [points[chain] for chain in chains])


def _heights(columns: Sequence[int], feeding: Sequence[Sequence[int]]) -> FloatArray:
    """Return the height of each place, column by column."""
    heights = np.zeros(len(columns))
    for column in range(max(columns) + 1):
        members = [place for place, own in enumerate(columns) if own == column]
        means = [float(heights[feeding[m]].mean()) if feeding[m] else -m for m in members]
        for rank, position in enumerate(np.argsort(-np.array(means), kind="stable")):
            heights[members[position]] = (len(members) - 1) / 2 - rank
    return heights


def draw_graph(axes: Axes, graph: Graph, multipliers_E: FloatArray | None = None) -> None:
    """Draw a graph; with multipliers, as sampled: what was left out is grey.

    Args:
        axes: Where.
        graph: The whole graph.
        multipliers_E: One for each edge, 0 for edges left out.
    """
    factors_E = np.ones(graph.num_edges) if multipliers_E is None else multipliers_E
    weights = (factors_E * graph.derivatives).tolist()
    colors = [KEPT if factor else DROPPED for factor in factors_E]
    labels = [f"{w:.3g}" if factor else "" for w, factor in zip(weights, factors_E, strict=True)]
    draw_topology(axes, graph, graph.names, labels, colors)


def draw_topology(
    axes: Axes,
    graph: Topology,
    texts: Sequence[str],
    labels: Sequence[str],
    colors: Sequence[str],
) -> None:
    """Draw vertices and edges with texts on them.

    Args:
        axes: Where.
        graph: What feeds what.
        texts: One for each vertex.
        labels: One for each edge, left out where it is empty or there are too many.
        colors: One for each edge; ``DROPPED`` ones are thin and behind the others.
    """
    places, routes = layout(graph)
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for edge, route in enumerate(routes):
        ends = int(graph.sources[edge]), int(graph.targets[edge])
        # Several edges between two vertices are bent more and more.
        bend = 0.25 * seen[ends]
        seen[ends] += 1
        _draw_edge(axes, route, bend, colors[edge], _clearance(route, texts[ends[1]]))
        if labels[edge] and graph.num_edges <= MAX_LABELS:
            _label_edge(axes, route[:2], bend, labels[edge], colors[edge])
    for vertex, name in enumerate(texts):
        special = vertex in graph.inputs or vertex == graph.output
        box = {"boxstyle": "round,pad=0.25", "fc": END if special else VERTEX, "ec": "#444444"}
        (x, y), text = places[vertex], name.replace("$", r"\$")
        size = 9 if graph.num_vertices <= MAX_LABELS else 6
        axes.text(x, y, text, ha="center", va="center", fontsize=size, bbox=box, zorder=4)
    points = np.concatenate([places, *routes])
    axes.set_xlim(points[:, 0].min() - 0.4, points[:, 0].max() + 0.4)
    axes.set_ylim(points[:, 1].min() - 0.7, points[:, 1].max() + 0.7)
    axes.set_axis_off()


def _draw_edge(axes: Axes, route: FloatArray, bend: float, color: str, clear: float) -> None:
    """Draw lines through a route's points, and an arrow along its last part."""
    width, order = (0.6, 0) if color == DROPPED else (1.3, 1)
    axes.plot(*route[:-1].T, color=color, linewidth=width, zorder=order, solid_joinstyle="round")
    arrow = FancyArrowPatch(
        (route[-2, 0], route[-2, 1]),
        (route[-1, 0], route[-1, 1]),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=9,
        shrinkA=0,
        shrinkB=clear,
        color=color,
        linewidth=width,
        zorder=order,
    )
    axes.add_patch(arrow)


def _clearance(route: FloatArray, text: str) -> float:
    """Return how many points before the middle of its vertex's box an edge meets the box."""
    lines = text.splitlines() or [""]
    half_width, half_height = 2.8 * max(map(len, lines)) + 4, 6.0 * len(lines) + 3
    across, along = COLUMN_INCHES, abs(float(route[-1, 1] - route[-2, 1])) * ROW_INCHES
    length = float(np.hypot(across, along))
    at_top = half_height * length / along if along else np.inf
    return min(half_width * length / across, float(at_top))


def _label_edge(axes: Axes, ends: FloatArray, bend: float, text: str, color: str) -> None:
    """Write a derivative on an edge's first part, a little before its middle."""
    (x0, y0), (x1, y1) = ends
    before, middle, behind = 0.34, 0.48, 0.18  # Bernstein's weights at 0.42
    # A quadratic curve's control point lies beside the middle, at bend times the length.
    control_x = (x0 + x1) / 2 + bend * (y1 - y0)
    control_y = (y0 + y1) / 2 - bend * (x1 - x0)
    x = before * x0 + middle * control_x + behind * x1
    y = before * y0 + middle * control_y + behind * y1
    box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85}
    axes.text(x, y, text, ha="center", va="center", fontsize=7, color=color, bbox=box, zorder=3)


def write_graph_figure(graph: Graph, title: str, file: IO[bytes]) -> None:
    """Write a PNG of the whole graph."""
    figure = Figure(figsize=picture_size(graph), layout="constrained")
    axes = figure.subplots()
    draw_graph(axes, graph)
    axes.set_title(f"{title}: local derivatives")
    figure.savefig(file, format="png", dpi=110)


def write_estimates_figure(
    graph: Graph,
    multipliers_E: FloatArray,
    exact_M: FloatArray,
    estimates_RM: FloatArray,
    title: str,
    file: IO[bytes],
) -> None:
    """Write a PNG of one sampled graph and of the distribution of all estimates.

    Args:
        graph: The whole graph.
        multipliers_E: Of the sampled graph that is shown.
        exact_M: The gradient.
        estimates_RM: Its estimates.
        title: What was sampled.
        file: Where the PNG goes.
    """
    width, height = picture_size(graph)
    figure = Figure(figsize=(width, height + 3), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[height, 3])
    axes = upper.subplots()
    draw_graph(axes, graph, multipliers_E)
    axes.set_title(f"{title}: one sampled graph with its reweighted derivatives")
    shown = min(MAX_PANELS, len(exact_M))
    panels = lower.subplots(1, shown, squeeze=False)[0]
    for m, panel in enumerate(panels):
        draw_distribution(panel, estimates_RM[:, m], exact_M[m], graph.names[graph.inputs[m]])
    figure.savefig(file, format="png", dpi=110)


def draw_distribution(axes: Axes, estimates: FloatArray, exact: float, name: str) -> None:
    """Draw a histogram of a derivative's estimates, with their mean and the derivative.

    Args:
        axes: Where.
        estimates: Of one derivative.
        exact: The derivative.
        name: With respect to what.
    """
    low, high = np.quantile(estimates, [0.005, 0.995])
    noisy = high - low > 1e-9 * abs(exact)
    margin = 0.05 * (high - low) if noisy else 0.1 * abs(exact) + 1e-12
    span = (min(low, exact) - margin, max(high, exact) + margin)
    axes.hist(estimates, bins=61, range=span, color=KEPT, alpha=0.6)
    axes.axvline(exact, color="#000000", label=f"exact {exact:.4g}")
    label = f"mean of {len(estimates)}: {estimates.mean():.4g}"
    axes.axvline(estimates.mean(), color="#D55E00", linestyle="--", label=label)
    axes.set_xlabel(f"d output / d {name}".replace("$", r"\$"))
    axes.set_yticks([])
    axes.margins(y=0.35)
    axes.legend(fontsize=7, loc="upper right")
    axes.spines[["top", "right", "left"]].set_visible(False)


def picture_size(graph: Topology) -> tuple[float, float]:
    """Return the width and height in inches that a graph is readable in."""
    points = np.concatenate([*layout(graph).routes, [[0.0, 0.0]]])
    columns, rows = np.ptp(points, axis=0) + 1
    return min(24.0, 2.5 + COLUMN_INCHES * float(columns)), min(
        16.0, 1.5 + ROW_INCHES * float(rows)
    )
