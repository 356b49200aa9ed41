"""``radexp graph``: a function's linearized computational graph, its paths, and samples of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radexp.commands.words import read_words, wants_help
from radexp.errors import UsageError, require
from radexp.experiments.folder import ready_to_write, write_files
from radexp.graph import EdgeSampling, Graph, PathSampling, Sampler, count_paths, reverse, trace
from radexp.graph.examples import EXAMPLES, LAYERED
from radexp.graph.path_table import path_table
from radexp.graph.paths import MAX_PATHS
from radexp.graph.topology import FloatArray
from radexp.reporting.graph_figure import write_estimates_figure, write_graph_figure
from radexp.reporting.table import align
from radexp.seeding import derive_seed

FILES = ("graph.png", "estimates.png", "paths.csv", "estimates.csv")
SAMPLERS: dict[str, Callable[[int], Sampler]] = {"edges": EdgeSampling, "paths": PathSampling}
NAMES = (*EXAMPLES, *LAYERED)
MAX_VERTICES, MAX_EDGES, MAX_LISTED = 150, 600, 20
MAX_WALKS = 10**8  # number times draws: some ten seconds
HELP = f"""\
radexp graph: draw a function's graph with its local derivatives, list its paths, and sample them.

  radexp graph figure1                             # the paper's Figure 1
  radexp graph rosenbrock point=[0.5,2] sampler=paths number=3
  radexp graph mymodule:function point=[1,2]       # a function of scalars of yours

Names: {", ".join(NAMES)}, or MODULE:FUNCTION, imported from the current folder or an installed
package. A function takes scalars, computes with + - * / ** and radexp.graph.functions (exp, log,
sqrt, sin, cos, tanh, relu), and returns one.

Keys:
  point     where to trace it, a list (default: the example's)
  sampler   edges (some of each vertex's, without replacement) or paths (default edges)
  number    edges of each vertex, or paths from each input (default 1)
  draws     estimates of the gradient (default 10000)
  seed      of the draws (default 0)
  output    folder (default outputs/graph) for {", ".join(FILES)}"""


@dataclass
class GraphConfig:
    """The keys of ``radexp graph``."""

    point: Any = None
    sampler: str = "edges"
    number: int = 1
    draws: int = 10_000
    seed: int = 0
    output: str = "outputs/graph"


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
    allowed = f"one of {', '.join(NAMES)} or MODULE:FUNCTION"
    given = " ".join(["radexp graph", *words])
    require(len(names) == 1, given, allowed, "try radexp graph figure1")
    config = read_words([word for word in words if "=" in word], GraphConfig)
    sampler = _sampler(config)
    traced = _traced(names[0], config.point)
    size = f"{traced.num_vertices} vertices and {traced.num_edges} edges"
    small = traced.num_vertices <= MAX_VERTICES and traced.num_edges <= MAX_EDGES
    most = f"up to {MAX_VERTICES} and {MAX_EDGES} in a picture"
    require(small, size, most, "trace a smaller function, or use radexp.graph in Python")
    folder = Path(config.output)
    with ready_to_write(folder, FILES):
        exact_M = reverse(traced)
        estimates_RM = sampler.gradients(traced, config.draws, derive_seed(config.seed, "all"))
        contents = _contents(traced, sampler, config, names[0], exact_M, estimates_RM)
        write_files(folder, contents)
    print(_as_text(traced, exact_M, estimates_RM, _title(names[0], config)))
    print(f"{folder}: {', '.join(FILES)}")
    return 0


def _sampler(config: GraphConfig) -> Sampler:
    """Check the keys and return the sampler they name."""
    allowed = ", ".join(SAMPLERS)
    require(config.sampler in SAMPLERS, f"sampler={config.sampler}", allowed, "try sampler=edges")
    require(config.number >= 1, f"number={config.number}", "at least 1", "try number=1")
    total, allowed = config.number * config.draws, f"up to {MAX_WALKS:.0e} in all"
    given = f"number={config.number} times draws={config.draws}"
    require(total <= MAX_WALKS, given, allowed, "try number=1 draws=10000")
    require(config.draws >= 2, f"draws={config.draws}", "at least 2", "try draws=10000")
    require(config.seed >= 0, f"seed={config.seed}", "at least 0", "try seed=0")
    return SAMPLERS[config.sampler](config.number)


def _traced(name: str, given: Any) -> Graph:
    """Return the graph of an example, or of a function of the user's."""
    if name in LAYERED:
        require(given is None, f"point={given} with {name}", "no point", "drop it")
        return LAYERED[name]()
    function, point = EXAMPLES[name] if name in EXAMPLES else (_load(name), ())
    if given is not None:
        numbers = isinstance(given, list) and all(type(x) in (int, float) for x in given)
        require(numbers, f"point={given}", "a list of numbers", "try point=[0.5,2]")
        point = tuple(map(float, given))
    require(bool(point), f"{name} without a point", "a list of numbers", "add point=[0.5,2]")
    try:
        return trace(function, point)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"{name} at {list(point)}: {type(error).__name__}: {error}; allowed is arithmetic and "
            "the functions of radexp.graph.functions; use these instead of math's"
        ) from error


def _load(name: str) -> Callable[..., Any]:
    """Import ``module:function``, also from the current folder."""
    module, _, attribute = name.partition(":")
    allowed = f"{', '.join(NAMES)} or MODULE:FUNCTION"
    require(bool(module and attribute), name, allowed, "try radexp graph figure1")
    sys.path.insert(0, str(Path.cwd()))
    try:
        function = getattr(import_module(module), attribute)
    except Exception as error:  # whatever the user's module does when it is imported
        raise UsageError(
            f"{name}: {type(error).__name__}: {error}; allowed is {allowed}; correct the name or "
            "the module"
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))
    kind = f"{name}: a {type(function).__name__}"
    require(callable(function), kind, "a function", "name one of the module's functions")
    return function  # type: ignore[no-any-return]


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
    return dict(zip(FILES, (whole.getvalue(), sampled.getvalue(), *csv), strict=True))


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
