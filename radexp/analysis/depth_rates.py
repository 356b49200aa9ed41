"""How the variance of a randomized gradient grows with depth: the derived curves.

All are relative to the squared norm of the exact gradient; derivations in docs/graph.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Curve = Callable[[FloatArray, int, int], FloatArray]


def independent(depth: FloatArray, width: int, kept: int) -> FloatArray:
    """Return ``W / k - 1`` at every depth: paths that share nothing, k of W of them sampled.

    Example:
        >>> independent(np.array([1.0, 5.0]), 32, 8).tolist()
        [3.0, 3.0]
    """
    return np.full(len(depth), width / kept - 1)


def interleaved(depth: FloatArray, width: int, kept: int) -> FloatArray:
    """Return ``(W / k)^L - 1``: L layers of W vertices, k of the W edges of each vertex sampled.

    Example:
        >>> interleaved(np.array([1.0, 2.0]), 32, 8).tolist()
        [3.0, 15.0]
    """
    curve: FloatArray = (width / kept) ** depth - 1
    return curve


def inputs(depth: FloatArray, width: int, kept: int) -> FloatArray:
    """Return ``(H - 1) / k`` at every depth: a network of width H, its layer inputs sketched.

    Example:
        >>> inputs(np.array([1.0, 5.0]), 33, 8).tolist()
        [4.0, 4.0]
    """
    return np.full(len(depth), (width - 1) / kept)


def everywhere(depth: FloatArray, width: int, kept: int) -> FloatArray:
    """Return ``(c + c^2 + ... + c^L) / L - 1``, ``c = 1 + (H - 1) / k``: all Jacobians injected.

    Example:
        >>> everywhere(np.array([1.0, 2.0]), 33, 8).tolist()
        [4.0, 14.0]
    """
    factor = 1 + (width - 1) / kept
    curve: FloatArray = factor * (factor**depth - 1) / (factor - 1) / depth - 1
    return curve


CURVES: dict[str, Curve] = {
    "independent": independent,
    "interleaved": interleaved,
    "inputs": inputs,
    "everywhere": everywhere,
}


def log_slope(depth: FloatArray, values: FloatArray) -> float:
    """Return the slope per layer of the least-squares line through log(values).

    Example:
        >>> round(log_slope(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 8.0])), 6)
        0.693147
    """
    centred = depth - depth.mean()
    return float(centred @ np.log(values) / (centred @ centred))
