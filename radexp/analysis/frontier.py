"""The frontier: what gradient noise each estimator adds at each budget, and a limit to it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from radexp.analysis.noise_summary import WHOLE
from radexp.analysis.statistics import ratio_interval

POINT = ["model", "data", "iteration"]
# Estimators whose gradient is a batch's own; beside them, all sketches are compared.
EXACT_RIVALS = ("accumulate", "checkpoint", "exact")
AUTO = "auto"
NOT_SINGLE = (AUTO, "small_batch", *EXACT_RIVALS)
SIZES = ["exact_bytes", "floor_bytes", "entries"]
BITS = 8  # of a byte
# What one gradient adds below this is rounding of float32, not noise.
NO_NOISE = 1e-7
Floats = npt.NDArray[np.float64]


def summarize_frontier(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarize every estimator at every budget.

    The unit of noise is what the exact gradient of the whole batch has itself, E|b - G|^2: an
    estimator with ``added`` 1 has twice the variance of the exact mini-batch gradient.

    Args:
        rows: Of ``frontier.csv``.

    Returns:
        For each point of training, budget, estimator and layer (``all`` for the whole):
        ``saved_bytes``; ``share``, their part of what the stock exact step holds; ``added`` noise
        with its 95% bootstrap interval ``low`` and ``high`` over ``n`` gradients, of a small batch
        what it has beyond the whole batch; ``time``, the median over pairs of the seconds of its
        forward and backward pass over those of the stock exact one right before it, with the
        quartiles ``fast`` and ``slow``; and the network's sizes.

    Example:
        >>> row = {"model": "mlp", "data": "digits", "iteration": 0, "budget": 0.5, "keep": 0.1}
        >>> row |= {"estimator": "rad", "batch_size": 150, "saved_bytes": 50, "exact_bytes": 100}
        >>> row |= {"floor_bytes": 5, "entries": 20, "batch": 2.0, "sketch": 1.0, "layer": "all"}
        >>> row |= {"seconds": 3.0, "stock_seconds": 2.0}
        >>> table = summarize_frontier(pd.DataFrame([row | {"repetition": r} for r in range(2)]))
        >>> table[["added", "time", "share"]].values.tolist()
        [[0.5, 1.5, 0.5]]

    Source: ours.
    """
    found = []
    for point, group in rows.groupby(POINT):
        batch = group["batch_size"].max()
        of_whole = group[(group["batch_size"] == batch) & (group["layer"] == WHOLE)]
        own = of_whole.drop_duplicates("repetition")["batch"].to_numpy()
        keys = ["budget", "estimator", "layer"]
        for (budget, name, layer), part in group.groupby(keys, sort=False):
            first = part.iloc[0]
            smaller = first["batch_size"] < batch
            noise = part["sketch"] + (part["batch"] if smaller else 0.0)
            ratio = ratio_interval(noise.to_numpy(), own)
            times = (part["seconds"] / part["stock_seconds"]).quantile([0.25, 0.5, 0.75])
            row: dict[str, Any] = dict(zip(POINT, point, strict=True))
            row |= {"budget": budget, "estimator": name, "layer": layer, "keep": first["keep"]}
            row |= {"saved_bytes": first["saved_bytes"]}
            row |= {"share": first["saved_bytes"] / first["exact_bytes"], "n": ratio.n}
            bounds = {"added": ratio.mean, "low": ratio.low, "high": ratio.high}
            row |= {key: value - smaller for key, value in bounds.items()}
            row |= dict(zip(("fast", "time", "slow"), times, strict=True))
            found.append({**row, **{size: first[size] for size in SIZES}})
    return pd.DataFrame(found)


def best_by_budget(table: pd.DataFrame) -> pd.DataFrame:
    """Say for each budget which sketch adds least noise, and what ``auto`` adds in comparison.

    Args:
        table: As ``summarize_frontier`` returns it.

    Returns:
        For each point, and each budget at which all sketches have noise, the ``best`` single
        sketch, what it ``added``, and the ratio ``auto`` to it; NaN where ``auto`` does not fit.

    Source: ours.
    """
    found = []
    whole = table[table["layer"] == WHOLE]
    for key, group in whole.groupby([*POINT, "budget"], sort=True):
        singles = group[~group["estimator"].isin(NOT_SINGLE)]
        if singles.empty or singles["added"].min() < NO_NOISE:
            continue
        best = singles.loc[singles["added"].idxmin()]
        auto = group.loc[group["estimator"] == AUTO, "added"]
        row: dict[str, Any] = dict(zip([*POINT, "budget"], key, strict=True))
        row |= {"best": best["estimator"], "added": best["added"]}
        ratio = float(auto.iloc[0]) / best["added"] if len(auto) else math.nan
        found.append({**row, "auto": ratio})
    return pd.DataFrame(found, columns=[*POINT, "budget", "best", "added", "auto"])


def least_noise(table: pd.DataFrame, shares: Floats, zeros_known: bool = False) -> Floats:
    """Return the least noise of an unbiased reconstruction, were entries of a known distribution.

    Let a sketch xhat of x have E[xhat | x] = x and R bits an entry. Of Gaussian entries
    E(xhat - x)^2 >= E x^2 / (4^R - 1). If half of them are zero, which ones is known, and the
    others are the absolute values of Gaussian ones, each of these has 2 R bits, and
    E(xhat - x)^2 >= E x^2 / (4 16^R - pi / (pi - 2)). Each layer has an R of its own, so that all
    noise together is least. ``rad`` has E x^2 / keep: its measured noise of a layer tells how much
    the entries of that layer weigh in the gradient.

    Args:
        table: The rows of one point of training of ``summarize_frontier``.
        shares: Parts of the stock exact step's bytes.
        zeros_known: Whether half of the entries are zero and known to be.

    Returns:
        Added noise; NaN up to the floor, and without rows of ``rad`` by layer.

    Source: ours, from Shannon's rate-distortion function; derived in docs/frontier.md.
    """
    layers = table[(table["estimator"] == "rad") & (table["layer"] != WHOLE) & (table["keep"] < 1)]
    if layers.empty:
        return np.full_like(shares, np.nan)
    layers = layers.assign(weight=layers["added"] * layers["keep"])
    by_layer = layers.groupby("layer").agg({"weight": "median", "entries": "first"})
    by_layer = by_layer[((by_layer > 0) & (by_layer < math.inf)).all(axis=1)]
    weights, entries = by_layer["weight"].to_numpy(), by_layer["entries"].to_numpy(np.float64)
    shape = HALF_ZERO if zeros_known else GAUSSIAN
    exact, floor = (float(table[size].iloc[0]) for size in ("exact_bytes", "floor_bytes"))
    bits = BITS * (shares * exact - floor)
    return np.array([_filled(total, weights, entries, *shape) for total in bits])


# Noise of entries of unit energy at R bits is 1 / (scale base^R - offset).
GAUSSIAN = (1.0, 4.0, 1.0)
HALF_ZERO = (4.0, 16.0, math.pi / (math.pi - 2))


def _filled(
    bits: float, weights: Floats, entries: Floats, scale: float, base: float, offset: float
) -> float:
    """Return sum_l w_l / (s b^R_l - o) at the R_l >= 0 that make it least, sum_l n_l R_l = bits.

    With y = b^R, the derivative by R_l is the same multiple, -m, of n_l in all layers with bits:
    w s y ln b / (s y - o)^2 = m n. So with c = m n / (w s ln b), s^2 c y^2 - (2 s c o + 1) y +
    c o^2 = 0, of which the larger root is meant.
    """
    if not (0 < bits < math.inf) or not len(weights):
        return math.nan

    def rates(log_m: float) -> Floats:
        c = math.exp(log_m) * entries / (weights * scale * math.log(base))
        y = (2 * scale * c * offset + 1 + np.sqrt(4 * scale * c * offset + 1)) / (2 * scale**2 * c)
        return np.asarray(np.maximum(0.0, np.log(y) / math.log(base)))

    def left(log_m: float) -> float:
        return float(entries @ rates(log_m)) - bits

    found = rates(brentq(left, -300.0, 300.0))
    return float(np.sum(weights / (scale * base**found - offset)))
