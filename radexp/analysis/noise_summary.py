"""Gradient noise, summarized: variances, their parts, and whether there is any bias."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from radexp.analysis.statistics import Interval, bootstrap_interval, ratio_interval

ARM = ["model", "data", "iteration", "arm"]
KEPT = ["estimator", "keep", "batch_size", "bytes", "level"]
POINT = ["model", "data", "iteration", "level"]
WHOLE = "all"


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarize every arm, as a whole and layer by layer.

    Args:
        rows: Of ``noise.csv``: one for each arm, repetition and layer, in units of the whole
            gradient's |G|^2.

    Returns:
        For each arm and layer (``all`` first): ``n`` repetitions; ``variance`` E|e - G|^2 over
        the layer's own |G|^2 with its 95% bootstrap interval ``low`` and ``high``; its parts
        ``sketch_variance`` and ``batch_variance``; and two z-scores that are near 0 without bias:
        ``z_along`` of <d, G>, and ``z_pair`` of the products of independent deviations, which
        tells a bias in any direction.

    Example:
        >>> arm = {"model": "mlp", "data": "digits", "iteration": 0, "arm": "rad, keep 0.1"}
        >>> arm |= {"estimator": "rad", "keep": 0.1, "batch_size": 150, "bytes": 1e6, "level": 0.1}
        >>> errors = {"sketch": 0.25, "batch": 0.5, "along": 0.0, "pair": math.nan}
        >>> arm |= {**errors, "reference": 0.5}
        >>> rows = pd.DataFrame(
        ...     {**arm, "layer": layer, "repetition": r, "total": 0.5 + r}
        ...     for r in range(2)
        ...     for layer in ("0", "2")
        ... )
        >>> table = summarize(rows).set_index("layer")
        >>> table["variance"].tolist(), table["batch_variance"].tolist()
        ([2.0, 2.0, 2.0], [1.0, 1.0, 1.0])

    Source: ours; the gradient's variance is what section 4.2 of the paper reasons about.
    """
    keys = [*ARM, *KEPT, "repetition"]
    numbers = ["reference", "total", "sketch", "batch", "along", "pair"]
    whole = rows.groupby(keys, sort=False, dropna=False)[numbers]
    together = whole.sum(min_count=1).reset_index().assign(layer=WHOLE)
    table = pd.concat([together, rows], ignore_index=True)
    groups = table.groupby([*ARM, *KEPT, "layer"], sort=False, dropna=False)
    names = [*ARM, *KEPT, "layer"]
    return pd.DataFrame(
        [{**dict(zip(names, key, strict=True)), **_summary(group)} for key, group in groups]
    )


def _summary(group: pd.DataFrame) -> dict[str, float]:
    reference = float(group["reference"].mean()) or math.nan  # a layer without a gradient
    if math.isnan(reference):
        return {"n": len(group)}
    interval = bootstrap_interval(list(group["total"] / reference))
    return {
        "n": len(group),
        "variance": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "sketch_variance": float(group["sketch"].mean()) / reference,
        "batch_variance": float(group["batch"].mean()) / reference,
        "z_along": z_score(group["along"].to_numpy()),
        "z_pair": z_score(group["pair"].dropna().to_numpy()),
    }


def z_score(values: npt.NDArray[np.float64]) -> float:
    """Return how far the mean of some numbers is from zero, as a score of the normal distribution.

    It is the score that is exceeded as rarely as their t statistic, mean over standard error, is
    by Student's t with n - 1 degrees of freedom. NaN of one number, or of zeros; infinite if all
    are the same and not zero.

    Example:
        >>> round(z_score(np.array([1.0, 3.0])), 2), z_score(np.array([2.0, 2.0]))
        (1.05, inf)
    """
    if len(values) < 2 or not values.any():
        return math.nan
    mean, error = float(np.mean(values)), float(stats.sem(values))
    if error == 0:
        return math.copysign(math.inf, mean)
    tail = stats.t.sf(abs(mean / error), len(values) - 1)
    return math.copysign(float(stats.norm.isf(tail)), mean)


def against_small_batch(rows: pd.DataFrame, estimator: str = "rad") -> pd.DataFrame:
    """Compare an estimator with the small batch of equal bytes, point by point.

    Args:
        rows: Of ``noise.csv``; arms of one ``level`` have equal bytes.
        estimator: Which one.

    Returns:
        For each model, data set, iteration and level the ``ratio`` of the mean squared errors and
        its 95% bootstrap interval, the fewer repetitions ``n`` of the two arms, and a ``verdict``:
        ``less``, ``more`` or ``inconclusive``.

    Example:
        >>> point = {"model": "mlp", "data": "digits", "iteration": 0, "level": 0.1}
        >>> rows = pd.DataFrame(
        ...     {**point, "estimator": name, "arm": name, "repetition": r, "total": total}
        ...     for name, total in (("rad", 1.0), ("small_batch", 4.0))
        ...     for r in range(3)
        ... )
        >>> against_small_batch(rows)[["ratio", "low", "high", "verdict"]].values.tolist()
        [[0.25, 0.25, 0.25, 'less']]

    Source: ours; small batches of equal memory are the baseline of section 4.2 of the paper.
    """
    whole = rows.groupby([*ARM, "estimator", "level", "repetition"], sort=False)["total"].sum()
    found = []
    for key, group in whole.groupby(POINT, sort=False):
        sides = [
            group[group.index.get_level_values("estimator") == name].to_numpy()
            for name in (estimator, "small_batch")
        ]
        if all(len(side) for side in sides):
            ratio = ratio_interval(sides[0], sides[1])
            row: dict[str, Any] = dict(zip(POINT, key, strict=True))
            row |= {"ratio": ratio.mean, "low": ratio.low, "high": ratio.high, "n": ratio.n}
            found.append({**row, "verdict": _verdict(ratio)})
    return pd.DataFrame(found, columns=[*POINT, "ratio", "low", "high", "n", "verdict"])


def _verdict(ratio: Interval) -> str:
    if ratio.high < 1:
        return "less"
    return "more" if ratio.low > 1 else "inconclusive"
