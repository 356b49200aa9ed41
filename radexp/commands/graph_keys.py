"""The keys of ``radexp graph``, those of each kind of function, and what its help says."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radexp.errors import require
from radexp.graph.examples import EXAMPLES, LAYERED, TENSORS

SCALAR_FILES = ("graph.png", "estimates.png", "paths.csv", "estimates.csv")
TENSOR_FILES = ("graph.png", "estimates.png", "edges.csv", "estimates.csv")
OF_SCALARS: tuple[str, ...] = ("point", "sampler", "number")
OF_TENSORS: tuple[str, ...] = ("shapes", "edges", "sketch", "keep")
NAMES = (*EXAMPLES, *LAYERED, *TENSORS)
ALLOWED = f"{', '.join(NAMES)}, MODULE:FUNCTION or FILE.py:FUNCTION"
MAX_VERTICES, MAX_EDGES, MAX_LISTED = 150, 600, 20
_NAMES = f"""\
Names: {", ".join(NAMES)}, or a function of yours: MODULE:FUNCTION, imported from the current
folder or an installed package, or FILE.py:FUNCTION."""
HELP = f"""\
radexp graph: draw a function's graph with its local derivatives, list its paths, and sample them.

  radexp graph figure1                             # the paper's Figure 1
  radexp graph rosenbrock point=[0.5,2] sampler=paths number=3
  radexp graph mymodule:function point=[1,2]       # a function of scalars of yours
  radexp graph network keep=0.4                    # of tensors: random matrices injected
  radexp graph my.py:function shapes=[[3],[2,3]] edges=[0,2] sketch=projection

{textwrap.fill(_NAMES, 100)}

A function of scalars computes with + - * / ** and radexp.graph.functions (exp, log, sqrt, sin, cos,
tanh, relu), and returns one:
  point     where to trace it, a list (default: the example's)
  sampler   edges (some of each vertex's, without replacement) or paths (default edges)
  number    edges of each vertex, or paths from each input (default 1)

A function of PyTorch tensors returns a tensor of one entry, and writes to none:
  shapes    one for each argument, [] for a number (default: the example's); the tensors are
            filled with normal numbers
  edges     behind whose Jacobians a random matrix is injected: a list of numbers, as in the
            picture, or all (default all)
  sketch    what the matrix is made of: sampling (of coordinates) or projection (default sampling)
  keep      fraction that it keeps (default 0.5)

Both:
  draws     estimates of the gradient (default 10000)
  seed      of the draws, and of a point of tensors (default 0)
  output    folder (default outputs/graph) for {", ".join(SCALAR_FILES[:2])},
            {SCALAR_FILES[2]} (of scalars) or {TENSOR_FILES[2]} (of tensors), and
            {SCALAR_FILES[3]}"""


@dataclass
class GraphConfig:
    """The keys of ``radexp graph``."""

    point: Any = None
    sampler: str = "edges"
    number: int = 1
    shapes: Any = None
    edges: Any = "all"
    sketch: str = "sampling"
    keep: float = 0.5
    draws: int = 10_000
    seed: int = 0
    output: str = "outputs/graph"


def require_fitting(name: str, words: Sequence[str], of_tensors: bool) -> None:
    """Refuse words that the other kind of function has a use for.

    Args:
        name: The function's.
        words: The ``KEY=VALUE`` ones.
        of_tensors: Whether the function is one of tensors.

    Raises:
        UsageError: If there is such a word.
    """
    kind, ours, theirs = "scalars", OF_SCALARS, OF_TENSORS
    if of_tensors:
        kind, ours, theirs = "tensors", OF_TENSORS, OF_SCALARS
    for word in words:
        given = f"{word} with {name}, a function of {kind}"
        mend = "drop it" if name in NAMES or of_tensors else "drop it, or add shapes=[[3],[2,3]]"
        require(word.partition("=")[0] not in theirs, given, ", ".join(ours), mend)


def require_draws(config: GraphConfig) -> None:
    """Refuse draws and seeds that are none.

    Args:
        config: All keys.

    Raises:
        UsageError: If one of the two is too small.
    """
    require(config.draws >= 2, f"draws={config.draws}", "at least 2", "try draws=10000")
    require(config.seed >= 0, f"seed={config.seed}", "at least 0", "try seed=0")


def require_drawable(num_vertices: int, num_edges: int) -> None:
    """Refuse graphs that no picture can hold.

    Args:
        num_vertices: How many vertices the graph has.
        num_edges: How many edges.

    Raises:
        UsageError: If there are too many of either.
    """
    small = num_vertices <= MAX_VERTICES and num_edges <= MAX_EDGES
    size = f"{num_vertices} vertices and {num_edges} edges"
    most = f"up to {MAX_VERTICES} and {MAX_EDGES} in a picture"
    require(small, size, most, "trace a smaller function, or use radexp.graph in Python")
