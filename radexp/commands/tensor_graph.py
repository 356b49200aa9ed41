"""``radexp graph`` for functions of tensors: graphs of Jacobians, random matrices injected."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from radexp.commands.graph_keys import (
    ALLOWED,
    MAX_LISTED,
    TENSOR_FILES,
    GraphConfig,
    require_drawable,
)
from radexp.commands.user_function import in_one_line, load_function
from radexp.errors import require
from radexp.experiments.writing import ready_to_write, write_files
from radexp.graph import VectorGraph, reverse_jacobians, sample_jacobians, trace_tensors
from radexp.graph.examples import TENSORS
from radexp.graph.topology import FloatArray
from radexp.reporting.table import align
from radexp.reporting.vector_figure import (
    jacobian_kind,
    shape_text,
    write_injected_figure,
    write_vector_figure,
)
from radexp.seeding import derive_seed, generator
from radexp.sketches import Exact, Projection, Sampling, Sketch

SKETCHES: dict[str, Callable[[float], Sketch]] = {"sampling": Sampling, "projection": Projection}
MAX_INPUT_ENTRIES = 10**5
MAX_NUMBERS = 10**7  # draws times entries of all vertices, which are in memory at once


def draw_tensors(name: str, config: GraphConfig) -> str:
    """Trace, draw and list a function of tensors, and estimate its gradient by injection.

    Args:
        name: The function's.
        config: All keys.

    Returns:
        What to print.

    Raises:
        UsageError: If a key is impossible, the function cannot be traced or the graph is too large.
    """
    sketch = _sketch(config)
    traced = _traced(name, config)
    edges = _edges(traced, config.edges)
    title = f"{name}, {config.sketch} of {config.keep:.3g} behind {_count(traced, edges)}"
    folder = Path(config.output)
    with ready_to_write(folder, TENSOR_FILES):
        exact = [found_CD[0].double().numpy() for found_CD in reverse_jacobians(traced)]
        seed, into = derive_seed(config.seed, "all"), dict.fromkeys(edges, sketch)
        found = sample_jacobians(traced, into, config.draws, seed)
        estimates = [found_RCD[:, 0].double().numpy() for found_RCD in found]
        write_files(folder, _contents(traced, edges, exact, estimates, name, title))
    return _as_text(traced, edges, exact, estimates, f"{title}, {config.draws} draws")


def _sketch(config: GraphConfig) -> Sketch:
    """Check the keys and return the sketch they name."""
    allowed = ", ".join(SKETCHES)
    require(config.sketch in SKETCHES, f"sketch={config.sketch}", allowed, "try sketch=sampling")
    require(0 < config.keep <= 1, f"keep={config.keep}", "0 < keep <= 1", "try keep=0.5")
    return Exact() if config.keep == 1 else SKETCHES[config.sketch](config.keep)


def _traced(name: str, config: GraphConfig) -> VectorGraph:
    """Return the graph of an example, or of a function of the user's."""
    shapes: Any = TENSORS[name].shapes if name in TENSORS else None
    function = TENSORS[name].function if name in TENSORS else load_function(name, ALLOWED)
    if config.shapes is not None:
        shapes = config.shapes
        whole = isinstance(shapes, list) and all(map(_is_shape, shapes)) and bool(shapes)
        allowed = "a list with the shape of each argument"
        require(whole, f"shapes={shapes}", allowed, "try shapes=[[3],[2,3]]")
    count, most = sum(map(math.prod, shapes)), f"up to {MAX_INPUT_ENTRIES} entries in all"
    require(count <= MAX_INPUT_ENTRIES, f"shapes={_plain(shapes)}", most, "give smaller shapes")
    allowed = (
        "PyTorch's operations on tensors of these shapes and the default dtype; correct the "
        "shapes or the function"
    )
    with in_one_line(f"{name} with shapes={_plain(shapes)}", allowed):
        traced = trace_tensors(function, _point(shapes, config.seed))
    shape = traced.shapes[traced.output]
    given = f"{name}: a result of shape {shape_text(shape)}"
    require(math.prod(shape) == 1, given, "one number", "add .sum() to what it returns")
    require_drawable(traced.num_vertices, traced.num_edges)
    numbers = config.draws * sum(traced.sizes)
    given = f"draws={config.draws} of graphs of {sum(traced.sizes)} entries"
    mend = f"try draws={max(2, MAX_NUMBERS // sum(traced.sizes))} or smaller shapes"
    require(numbers <= MAX_NUMBERS, given, f"up to {MAX_NUMBERS:.0e} in all", mend)
    return traced


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and all(type(size) is int and size >= 1 for size in shape)


def _plain(shapes: Sequence[Sequence[int]]) -> str:
    """Write shapes as they are typed."""
    return f"[{','.join(map(shape_text, shapes))}]"


def _point(shapes: Sequence[Sequence[int]], seed: int) -> list[Tensor]:
    """Return tensors of normal numbers in the default dtype."""
    draws = generator(derive_seed(seed, "point"))
    return [torch.randn(tuple(shape), generator=draws) for shape in shapes]


def _edges(traced: VectorGraph, given: Any) -> list[int]:
    """Return the numbers of the edges to inject at."""
    if given == "all":
        return list(range(traced.num_edges))
    edges = given if isinstance(given, list) else [given]
    last = traced.num_edges - 1
    known = bool(edges) and all(type(edge) is int and 0 <= edge <= last for edge in edges)
    allowed = f"all or a list of numbers from 0 to {last}"
    require(known, f"edges={given}", allowed, "try edges=[0]; the numbers are those of the picture")
    return sorted(set(edges))


def _count(traced: VectorGraph, edges: Sequence[int]) -> str:
    if len(edges) == traced.num_edges:
        return "all edges"
    return f"edge{'s' if len(edges) > 1 else ''} {', '.join(map(str, edges))}"


def _contents(
    traced: VectorGraph,
    edges: Sequence[int],
    exact: Sequence[FloatArray],
    estimates: Sequence[FloatArray],
    name: str,
    title: str,
) -> dict[str, bytes]:
    """Return what TENSOR_FILES hold."""
    whole, injected = BytesIO(), BytesIO()
    write_vector_figure(traced, name, whole)
    write_injected_figure(traced, edges, exact, estimates, title, injected)
    columns = [column for vertex in traced.inputs for column in _entries(traced, vertex)]
    draws = pd.DataFrame(np.concatenate(estimates, axis=1), columns=columns).rename_axis("draw")
    tables = (_edge_table(traced, edges), draws.reset_index())
    csv = [
        table.to_csv(index=False, lineterminator="\n", float_format="%.8g").encode()
        for table in tables
    ]
    return dict(zip(TENSOR_FILES, (whole.getvalue(), injected.getvalue(), *csv), strict=True))


def _entries(traced: VectorGraph, vertex: int) -> list[str]:
    """Name the entries of a vertex's tensor, as in Python: ``w[0,1]``."""
    name, shape = traced.names[vertex], traced.shapes[vertex]
    return [f"{name}{shape_text(place)}" if shape else name for place in np.ndindex(*shape)]


def _edge_table(traced: VectorGraph, edges: Sequence[int]) -> pd.DataFrame:
    """Return one row for each edge."""
    rows = []
    for edge, jacobian in enumerate(traced.jacobians):
        source, target = int(traced.sources[edge]), int(traced.targets[edge])
        ends = {"edge": edge, "from": traced.names[source], "to": traced.names[target]}
        size = dict(zip(("rows", "columns"), jacobian.shape, strict=True))
        injected = "yes" if edge in edges else "no"
        rows.append({**ends, "jacobian": jacobian_kind(jacobian), **size, "injected": injected})
    columns = ["edge", "from", "to", "jacobian", "rows", "columns", "injected"]
    return pd.DataFrame(rows, columns=columns)


def _as_text(
    traced: VectorGraph,
    edges: Sequence[int],
    exact: Sequence[FloatArray],
    estimates: Sequence[FloatArray],
    title: str,
) -> str:
    """Return the edges, and each gradient's length with its estimates' noise and bias."""
    listed = _edge_table(traced, edges)
    cells = [tuple(map(str, row)) for row in listed[:MAX_LISTED].itertuples(index=False)]
    lines = [align([tuple(map(str, listed.columns)), *cells])]
    more = len(listed) - MAX_LISTED
    lines += [f"{more} more edges in edges.csv"] if more > 0 else []
    heads = ("input", "shape", "|gradient|", "|mean - it|", "deviation", "slope", "z of the slope")
    table: list[tuple[str, ...]] = [heads]
    for vertex, exact_D, estimates_RD in zip(traced.inputs, exact, estimates, strict=True):
        first = (traced.names[vertex], shape_text(traced.shapes[vertex]))
        table.append((*first, *_noise(exact_D, estimates_RD)))
    note = (
        "deviation: root of the summed variances of all entries; slope: mean of\n"
        "<estimate, gradient> / |gradient|^2, 1 without bias"
    )
    return "\n".join([*lines, "", title, align(table), note])


def _noise(exact_D: FloatArray, estimates_RD: FloatArray) -> tuple[str, ...]:
    """Return the numbers of one input's row."""
    squared = float(exact_D @ exact_D)
    off = float(np.linalg.norm(estimates_RD.mean(axis=0) - exact_D))
    deviation = float(np.sqrt(estimates_RD.var(axis=0, ddof=1).sum()))
    # Below a float32's roundings there is no noise.
    noisy = deviation > 1e-5 * math.sqrt(squared)
    numbers = (f"{math.sqrt(squared):.6g}", f"{off:.4g}", f"{deviation:.4g}")
    if squared == 0:
        return (*numbers, "-", "-")
    slopes_R = estimates_RD @ exact_D / squared
    error = float(slopes_R.std(ddof=1)) / math.sqrt(len(slopes_R))
    z = f"{(slopes_R.mean() - 1) / error:.2f}" if noisy and error > 0 else "no noise"
    return (*numbers, f"{slopes_R.mean():.4g}", z)
