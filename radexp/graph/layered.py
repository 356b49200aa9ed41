"""The two extremes of the paper's Fig. 2: paths that share nothing and paths that share all."""

from __future__ import annotations

import numpy as np

from radexp.errors import require
from radexp.graph.lcg import Graph
from radexp.graph.topology import FloatArray, IntArray
from radexp.seeding import derive_seed


def independent(width: int, depth: int, seed: int) -> Graph:
    """Return a graph whose ``width`` paths have nothing in common but their ends.

    An input feeds ``width`` chains of ``depth`` vertices, which all end in the output. Derivatives
    are random signs, over sqrt(width) on the last edges, so that the squares of the paths' products
    add up to 1.

    Args:
        width: Chains W, at least 1.
        depth: Vertices L of each chain, at least 1.
        seed: Of the signs.

    Returns:
        A graph of W (L + 1) edges.

    Raises:
        UsageError: If ``width`` or ``depth`` is less than 1.

    Example:
        >>> independent(4, 3, seed=0)
        Graph(14 vertices, 16 edges, inputs=(0,), output=13)
    """
    _check(width, depth)
    layers = 1 + np.arange(width * depth, dtype=np.int64).reshape(depth, width)
    sources = np.concatenate([np.zeros(width, np.int64), layers.ravel()])
    output = np.full(width, 1 + width * depth, np.int64)
    return _signed(width, depth, sources, np.concatenate([layers.ravel(), output]), 1, seed)


def interleaved(width: int, depth: int, seed: int) -> Graph:
    """Return a graph in which each of ``width ** depth`` paths shares edges with most others.

    An input feeds ``depth`` layers of ``width`` vertices, each of which feeds all of the next
    layer; the last feeds the output. Derivatives are random signs, over sqrt(width) on all
    edges but the input's, so that the squares of the paths' products add up to 1.

    Args:
        width: Vertices W of a layer, at least 1.
        depth: Layers L, at least 1.
        seed: Of the signs.

    Returns:
        A graph of W + (L - 1) W^2 + W edges.

    Raises:
        UsageError: If ``width`` or ``depth`` is less than 1.

    Example:
        >>> interleaved(4, 3, seed=0)
        Graph(14 vertices, 40 edges, inputs=(0,), output=13)
    """
    _check(width, depth)
    layers = 1 + np.arange(width * depth, dtype=np.int64).reshape(depth, width)
    sources = [np.zeros(width, np.int64), np.repeat(layers[:-1], width), layers[-1]]
    targets = [layers[0], np.repeat(layers[1:], width, axis=0).ravel()]
    targets.append(np.full(width, 1 + width * depth, np.int64))
    return _signed(width, depth, np.concatenate(sources), np.concatenate(targets), depth, seed)


def _check(width: int, depth: int) -> None:
    given = f"width={width} depth={depth}"
    require(width >= 1 and depth >= 1, given, "whole numbers of at least 1", "try width=8 depth=3")


def _signed(
    width: int, depth: int, sources: IntArray, targets: IntArray, powers: int, seed: int
) -> Graph:
    """Put random signs on the edges, over sqrt(width) on those of the last ``powers`` steps."""
    names = ("x", *(f"{layer + 1}.{i + 1}" for layer in range(depth) for i in range(width)), "y")
    rng = np.random.default_rng(derive_seed(seed, "signs"))
    signs: FloatArray = rng.choice(np.array([-1.0, 1.0]), len(sources))
    signs[sources > (depth - powers) * width] /= np.sqrt(width)
    return Graph(names, sources, targets, (0,), len(names) - 1, signs)
