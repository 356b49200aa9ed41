"""The variance of path sampling against depth, on independent and on interleaved paths (Fig. 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from radexp.graph import EdgeSampling, Graph, independent, interleaved, reverse_many
from radexp.seeding import derive_seed
from radexp.sketches import num_kept

BUILDERS: dict[str, Callable[[int, int, int], Graph]] = {
    "independent": independent,
    "interleaved": interleaved,
}
# Edges times draws in memory at a time.
BLOCK = 2**22


def graph_rows(
    width: int, depths: Sequence[int], fractions: Sequence[float], seeds: Sequence[int], draws: int
) -> Iterator[dict[str, Any]]:
    """Measure the variance of both kinds of graph at every depth and fraction.

    Args:
        width: Vertices of a layer.
        depths: Numbers of layers.
        fractions: Fractions of each vertex's edges to keep.
        seeds: Independent repetitions of everything.
        draws: Graphs of fresh signs, each with one sampled graph, behind one number.

    Yields:
        Rows with the columns that ``radexp.analysis.depth_claims`` reads.

    Example:
        >>> [row["arm"] for row in graph_rows(4, [2], [0.5], seeds=[0], draws=10)]
        ['independent', 'interleaved']
    """
    for seed, (arm, build), depth in product(seeds, BUILDERS.items(), depths):
        graph = build(width, depth, seed)
        for fraction in fractions:
            kept = num_kept(fraction, width)
            own = derive_seed(seed, arm, depth, kept)
            yield {
                **{"study": "graphs", "arm": arm, "sketch": "edges", "width": width},
                **{"kept": kept, "depth": depth, "seed": seed, "draws": draws},
                "variance": path_variance(graph, kept, draws, own),
            }


def path_variance(graph: Graph, kept: int, draws: int, seed: int) -> float:
    """Return the mean of ``(estimate - gradient)^2`` over random signs and sampled edges.

    Graphs are built so that the mean of ``gradient^2`` over signs is 1: the number is relative.

    Args:
        graph: Its signs are multiplied by fresh random ones in each draw.
        kept: Edges of each vertex to keep.
        draws: Number of draws.
        seed: Of the draws.

    Example:
        >>> path_variance(independent(4, 2, seed=0), kept=4, draws=10, seed=0)
        0.0
    """
    sampler, total = EdgeSampling(kept), 0.0
    size = max(1, BLOCK // graph.num_edges)
    for start in range(0, draws, size):
        count = min(size, draws - start)
        rng = np.random.default_rng(derive_seed(seed, "signs", start))
        signs_RE = rng.choice(np.array([-1.0, 1.0]), (count, graph.num_edges))
        multipliers_RE = sampler.multipliers(graph, count, derive_seed(seed, "edges", start))
        errors = reverse_many(graph, signs_RE * multipliers_RE) - reverse_many(graph, signs_RE)
        total += float(np.square(errors).sum())
    return total / draws
