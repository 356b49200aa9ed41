"""``radexp graph``: a function's linearized computational graph, its paths, and samples of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radexp.commands.graph_keys import (
    ALLOWED,
    HELP,
    MAX_LISTED,
    NAMES,
    SCALAR_FILES,
    TENSOR_FILES,
    GraphConfig,
    require_drawable,
    require_draws,
    require_fitting,
)
from radexp.commands.tensor_graph import draw_tensors
from radexp.commands.user_function import in_one_line, load_function
from radexp.commands.words import read_words, wants_help
from radexp.errors import require
from radexp.experiments.writing import ready_to_write, write_files
from radexp.graph import EdgeSampling, Graph, PathSampling, Sampler, count_paths, reverse, trace
from radexp.graph.examples import EXAMPLES, LAYERED, TENSORS
from radexp.graph.path_table import path_table
from radexp.graph.paths import MAX_PATHS
from radexp.graph.topology import FloatArray
from radexp.reporting.graph_figure import write_estimates_figure, write_graph_figure
from radexp.reporting.table import align
from radexp.seeding import derive_seed

SAMPLERS: dict[str, Callable[[int], Sampler]] = {"edges": EdgeSampling, "paths": PathSampling}
MAX_WALKS = 10**8  # number times draws: some ten seconds


def graph(words: Sequence[str]) -> int:
    """Trace, draw, list and sample.

    Raises:
        UsageError: If a word is impossible, the function cannot be traced or the graph is too large
            to be drawn.
    """
    if wants_help(words):
        print(HELP)
        return 0
    names = [word for word in words if "=" not in word]
    given = " ".join(["radexp graph", *words])
    require(len(names) == 1, given, f"one of {ALLOWED}", "try radexp graph figure1")
    keys = [word for word in words if "=" in word]
    config = read_words(keys, GraphConfig)
    require_draws(config)
    of_tensors = names[0] in TENSORS or (config.shapes is not None and names[0] not in NAMES)
    require_fitting(names[0], keys, of_tensors)
    text = (draw_tensors if of_tensors else _draw_scalars)(names[0], config)
    print(text)
    print(f"{config.output}: {', '.join(TENSOR_FILES if of_tensors else SCALAR_FILES)}")
    return 0


def _draw_scalars(name: str, config: GraphConfig) -> str:
    """Trace, draw, list and sample a function of scalars; return what to print."""
    sampler = _sampler(config)
    traced = _traced(name, config.point)
    require_drawable(traced.num_vertices, traced.num_edges)
    folder = Path(config.output)
    with ready_to_write(folder, SCALAR_FILES):
        exact_M = reverse(traced)
        estimates_RM = sampler.gradients(traced, config.draws, derive_seed(config.seed, "all"))
        contents = _contents(traced, sampler, config, name, exact_M, estimates_RM)
        write_files(folder, contents)
    return _as_text(traced, exact_M, estimates_RM, _title(name, config))


def _sampler(config: GraphConfig) -> Sampler:
    """Check the keys and return the sampler they name."""
    allowed = ", ".join(SAMPLERS)
    require(config.sampler in SAMPLERS, f"sampler={config.sampler}", allowed, "try sampler=edges")
    require(config.number >= 1, f"number={config.number}", "at least 1", "try number=1")
    total, allowed = config.number * config.draws, f"up to {MAX_WALKS:.0e} in all"
    given = f"number={config.number} times draws={config.draws}"
    require(total <= MAX_WALKS, given, allowed, "try number=1 draws=10000")
    return SAMPLERS[config.sampler](config.number)


def _traced(name: str, given: Any) -> Graph:
    """Return the graph of an example, or of a function of the user's."""
    if name in LAYERED:
        require(given is None, f"point={given} with {name}", "no point", "drop it")
        return LAYERED[name]()
    function, point = EXAMPLES[name] if name in EXAMPLES else (load_function(name, ALLOWED), ())
    if given is not None:
        numbers = isinstance(given, list) and all(type(x) in (int, float) for x in given)
        require(numbers, f"point={given}", "a list of numbers", "try point=[0.5,2]")
        point = tuple(map(float, given))
    require(
        bool(point),
        f"{name} without a point",
        "a list of numbers",
        "add point=[0.5,2], or for tensors shapes=[[3],[2,3]]",
    )
    allowed = (
        "arithmetic and the functions of radexp.graph.functions; use these instead of math's, or "
        "give the shapes of tensors"
    )
    with in_one_line(f"{name} at {list(point)}", allowed):
        return trace(function, point)


def _contents(
    traced: Graph,
    sampler: Sampler,
    config: GraphConfig,
    name: str,
    exact_M: FloatArray,
    estimates_RM: FloatArray,
) -> dict[str, bytes]:
    """Return what FILES hold."""
    whole, sampled = BytesIO(), BytesIO()
    write_graph_figure(traced, name, whole)
    (multipliers_E,) = sampler.multipliers(traced, 1, derive_seed(config.seed, "shown"))
    title = _title(name, config)
    write_estimates_figure(traced, multipliers_E, exact_M, estimates_RM, title, sampled)
    inputs = [traced.names[vertex] for vertex in traced.inputs]
    estimates = pd.DataFrame(estimates_RM, columns=inputs).rename_axis("draw")
    tables = (path_table(traced), estimates.reset_index())
    csv = [table.to_csv(index=False, lineterminator="\n").encode() for table in tables]
    return dict(zip(SCALAR_FILES, (whole.getvalue(), sampled.getvalue(), *csv), strict=True))


def _title(name: str, config: GraphConfig) -> str:
    """Say what is sampled."""
    what, where = "edge", "of each vertex"
    if config.sampler == "paths":
        what, where = "path", "from each input"
    return f"{name}, {config.number} {what}{'s' if config.number > 1 else ''} {where}"


def _as_text(traced: Graph, exact_M: FloatArray, estimates_RM: FloatArray, title: str) -> str:
    """Return the paths and the gradient with its estimates."""
    count, listed = count_paths(traced), path_table(traced)[:MAX_LISTED]
    rows: list[tuple[str, ...]] = [("path", "product")]
    rows += [(row["path"], f"{row['product']:.6g}") for row in listed.to_dict("records")]
    more = count - len(listed)
    where = "in paths.csv" if count <= MAX_PATHS else f"not listed, as there are over {MAX_PATHS}"
    lines = [align(rows)] if count <= MAX_PATHS else []
    lines += [f"{more} more paths {where}"] if more else []
    heads = ("input", "exact", "mean", "standard deviation", "z of the mean")
    table: list[tuple[str, ...]] = [heads]
    deviation_M = estimates_RM.std(axis=0, ddof=1)
    for m, vertex in enumerate(traced.inputs):
        mean, error = estimates_RM[:, m].mean(), deviation_M[m] / np.sqrt(len(estimates_RM))
        # Estimates without noise differ from the gradient by rounding alone.
        noisy = deviation_M[m] > 1e-12 * abs(exact_M[m])
        z = f"{(mean - exact_M[m]) / error:.2f}" if noisy else "no noise"
        numbers = (f"{exact_M[m]:.6g}", f"{mean:.6g}", f"{deviation_M[m]:.4g}", z)
        table.append((traced.names[vertex], *numbers))
    return "\n".join([*lines, "", f"{title}, {len(estimates_RM)} draws", align(table)])
