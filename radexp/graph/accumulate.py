"""Forward and reverse accumulation: the whole gradient at the price of one visit to each edge."""

from __future__ import annotations

import numpy as np

from radexp.graph.lcg import Graph
from radexp.graph.topology import FloatArray
from radexp.kernels.graph import accumulate_forward, accumulate_reverse


def reverse(graph: Graph) -> FloatArray:
    """Return the gradient of the output by reverse accumulation.

    Vertices are visited from the last to the first:
    ``adjoint[u] = sum over edges u -> v of derivative * adjoint[v]``, with 1 at the output.

    Args:
        graph: Traced or sampled.

    Returns:
        One derivative for each input, float64 (M,).

    Example:
        >>> from radexp.graph import trace
        >>> reverse(trace(lambda x, y: x * x * y, [3.0, 2.0])).tolist()
        [12.0, 9.0]

    Source: section 2 of the paper; Griewank and Walther, Evaluating Derivatives, chapter 3.
    """
    return reverse_many(graph, np.ones((1, graph.num_edges))).reshape(-1)


def reverse_many(graph: Graph, multipliers_RE: FloatArray) -> FloatArray:
    """Return the gradient for each of R sets of multipliers of the local derivatives.

    Args:
        graph: The graph.
        multipliers_RE: One multiplier for each edge in each repetition.

    Returns:
        Gradients, float64 (R, M).

    Example:
        >>> from radexp.graph import trace
        >>> reverse_many(trace(lambda x: x * x, [3.0]), np.array([[2.0, 0.0], [1.0, 1.0]])).tolist()
        [[6.0], [6.0]]
    """
    adjoints_RV = np.zeros((len(multipliers_RE), graph.num_vertices))
    adjoints_RV[:, graph.output] = 1.0
    weights_RE = multipliers_RE * graph.derivatives
    accumulate_reverse(graph.sources, graph.targets, weights_RE, adjoints_RV)
    gradients_RM: FloatArray = adjoints_RV[:, graph.inputs]
    return gradients_RM


def forward(graph: Graph) -> FloatArray:
    """Return the gradient of the output by forward accumulation, for all inputs side by side.

    ``tangent[v] = sum over edges u -> v of derivative * tangent[u]``, with the M unit vectors at
    the inputs.

    Args:
        graph: Traced or sampled.

    Returns:
        One derivative for each input, float64 (M,).

    Example:
        >>> from radexp.graph import trace
        >>> forward(trace(lambda x, y: x * x * y, [3.0, 2.0])).tolist()
        [12.0, 9.0]

    Not for many inputs: it takes M times the work of ``reverse``.
    """
    tangents_VM = np.zeros((graph.num_vertices, len(graph.inputs)))
    tangents_VM[list(graph.inputs), range(len(graph.inputs))] = 1.0
    accumulate_forward(graph.sources, graph.targets, graph.derivatives, tangents_VM)
    gradient_M: FloatArray = tangents_VM[graph.output]
    return gradient_M
