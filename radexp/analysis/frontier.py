"""The frontier: what gradient noise each estimator adds at each budget, and what none can avoid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from radexp.analysis.statistics import bootstrap_interval

POINT = ["model", "data", "iteration"]
# Estimators whose gradient is a batch's own; beside them, all sketches are compared.
EXACT_RIVALS = ("accumulate", "checkpoint", "exact")
NOT_SINGLE = ("auto", "small_batch", *EXACT_RIVALS)
AUTO = "auto"
SIZES = ["exact_bytes", "floor_bytes", "entries"]
BITS = 8  # of a byte
# What one gradient adds below this is rounding of float32, not noise.
NO_NOISE = 1e-9


def summarize_frontier(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarize every estimator at every budget.

    The unit of noise is what the exact gradient of the whole batch has itself, E|b - G|^2: an
    estimator with ``added`` 1 has twice the variance of the exact mini-batch gradient.

    Args:
        rows: Of ``frontier.csv``.

    Returns:
        For each point of training, budget and estimator: ``saved_bytes``; ``share``, their part of
        what the stock exact step holds; ``added`` noise with its 95% bootstrap interval ``low`` and
        ``high`` over ``n`` gradients, of a small batch what it has beyond the whole batch;
        ``time``, the median seconds of its forward and backward pass over those of the stock
        exact one's beside it; and the network's sizes.

    Example:
        >>> row = {"model": "mlp", "data": "digits", "iteration": 0, "budget": 0.5, "keep": 0.1}
        >>> row |= {"estimator": "rad", "batch_size": 150, "saved_bytes": 50, "exact_bytes": 100}
        >>> row |= {"floor_bytes": 5, "entries": 20, "batch": 2.0, "sketch": 1.0}
        >>> row |= {"seconds": 3.0, "stock_seconds": 2.0}
        >>> table = summarize_frontier(pd.DataFrame([row, row]))
        >>> table[["added", "time", "share"]].values.tolist()
        [[0.5, 1.5, 0.5]]

    Source: ours.
    """
    found = []
    for point, group in rows.groupby(POINT, sort=False):
        own = float(group.loc[group["batch_size"] == group["batch_size"].max(), "batch"].mean())
        for (budget, name), part in group.groupby(["budget", "estimator"], sort=False):
            smaller = part["batch_size"].iloc[0] < group["batch_size"].max()
            noise = part["sketch"] + (part["batch"] - own if smaller else 0.0)
            interval = bootstrap_interval(list(noise / own))
            first = part.iloc[0]
            row: dict[str, Any] = dict(zip(POINT, point, strict=True))
            row |= {"budget": budget, "estimator": name, "saved_bytes": first["saved_bytes"]}
            row |= {"share": first["saved_bytes"] / first["exact_bytes"], "keep": first["keep"]}
            row |= {"added": interval.mean, "low": interval.low, "high": interval.high}
            row["time"] = part["seconds"].median() / part["stock_seconds"].median()
            found.append({**row, "n": interval.n, **{size: first[size] for size in SIZES}})
    return pd.DataFrame(found)


def best_by_budget(table: pd.DataFrame) -> pd.DataFrame:
    """Say for each budget which sketch adds least noise, and what ``auto`` adds in comparison.

    Args:
        table: As ``summarize_frontier`` returns it.

    Returns:
        For each point and budget at which there is noise the ``best`` single sketch, what it
        ``added``, and the ratio ``auto`` to it; NaN where ``auto`` does not fit.

    Source: ours.
    """
    found = []
    for key, group in table.groupby([*POINT, "budget"], sort=True):
        singles = group[~group["estimator"].isin(NOT_SINGLE) & (group["added"] > NO_NOISE)]
        if singles.empty:
            continue
        best = singles.loc[singles["added"].idxmin()]
        auto = group.loc[group["estimator"] == AUTO, "added"]
        row: dict[str, Any] = dict(zip([*POINT, "budget"], key, strict=True))
        row |= {"best": best["estimator"], "added": best["added"], "time": best["time"]}
        ratio = float(auto.iloc[0]) / best["added"] if len(auto) else math.nan
        found.append({**row, "auto": ratio})
    return pd.DataFrame(found, columns=[*POINT, "budget", "best", "added", "time", "auto"])


def least_noise(
    table: pd.DataFrame, shares: npt.NDArray[np.float64], zeros_known: bool = False
) -> npt.NDArray[np.float64]:
    """Return what noise no unbiased sketch can avoid, were entries of a known distribution.

    Let a sketch xhat of x have E[xhat | x] = x and R bits an entry. Of Gaussian entries
    E(xhat - x)^2 >= E x^2 / (4^R - 1). If half of them are zero, which ones is known, and the
    others are the absolute values of Gaussian ones, each of these has 2 R bits, and
    E(xhat - x)^2 >= E x^2 / (4 16^R - pi / (pi - 2)). Derived in docs/frontier.md. ``rad`` has
    E x^2 / keep: its measured noise tells how much an entry's noise weighs in the gradient.

    Args:
        table: The rows of one point of training of ``summarize_frontier``.
        shares: Parts of the stock exact step's bytes.
        zeros_known: Whether half of the entries are zero and known to be.

    Returns:
        Added noise; NaN up to the floor, and without a row of ``rad``.

    Source: ours, from Shannon's rate-distortion function.
    """
    rad = table[(table["estimator"] == "rad") & (table["keep"] < 1)]
    if rad.empty:
        return np.full_like(shares, np.nan)
    weight = float((rad["added"] * rad["keep"]).median())
    exact, floor, entries = (float(table[size].iloc[0]) for size in SIZES)
    rates = BITS * (shares * exact - floor) / entries
    with np.errstate(divide="ignore", over="ignore"):
        if zeros_known:
            limit = weight / (4 * 16.0**rates - math.pi / (math.pi - 2))
        else:
            limit = weight / (4.0**rates - 1)
    return np.where(rates > 0, limit, np.nan)
