"""C11 as code: is RAD's gradient noise no larger than a small batch's at equal memory?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from radexp.analysis.noise_summary import against_small_batch
from radexp.analysis.statistics import Interval
from radexp.analysis.verdict import NO_INTERVAL, Verdict
from radexp.errors import require

# The fraction of the paper's experiments; others are measured too, but decide nothing.
LEVEL = 0.1
STATISTIC = "gradient noise of RAD over the small batch's"
RULE = (
    "The ratio of the mean squared errors E|e - G|^2 of RAD (a sample for each example) and of "
    f"the small batch of the same bytes, at kept fraction {LEVEL:g}, with its 95% bootstrap "
    "interval, at every measured point of training. The claim, not larger at equal memory, is "
    "reproduced if at each point the interval lies wholly below 1, not reproduced if at any point "
    "it lies wholly above 1, and else inconclusive, as it is where a pair of arms is missing. "
    "The rows of the mlp, not those of other networks, were known when this rule was written."
)
NETWORK = ["model", "data"]
COLUMNS = (*NETWORK, "iteration", "arm", "estimator", "level", "repetition", "total")


def judge_noise(rows: pd.DataFrame) -> list[Verdict]:
    """Judge C11 for each network in rows of gradient noise.

    Args:
        rows: As ``radexp variance`` writes them to noise.csv; arms of one ``level`` have equal
            bytes.

    Returns:
        One verdict for each model and data set; inconclusive where a pair of arms is missing at a
        measured point of training.

    Raises:
        UsageError: If a column is missing.
    """
    missing = [name for name in COLUMNS if name not in rows]
    require(
        not missing,
        f"noise rows without {', '.join(missing)}",
        "the columns of noise.csv",
        "measure them with radexp variance",
    )
    return [_judge(group) for _, group in rows.groupby(NETWORK, sort=False)]


def _judge(rows: pd.DataFrame) -> Verdict:
    """Judge one network."""
    model, data = rows[NETWORK].iloc[0]
    points = sorted(set(rows["iteration"]))
    at_level = rows[np.isclose(rows["level"].astype(float), LEVEL)]
    ratios = _ratios(at_level)
    absent = [point for point in points if point not in ratios]
    above = any(ratio.low > 1 for ratio in ratios.values())
    below = not absent and all(ratio.high < 1 for ratio in ratios.values())
    worst = max(ratios.values(), key=_unfavourable, default=NO_INTERVAL)
    parts = [f"after {point} iterations {ratio}" for point, ratio in ratios.items()]
    if absent:
        named = ", ".join(map(str, absent))
        parts.append(f"no pair of rad and small_batch at {LEVEL:g} after {named} iterations")
    numbers = f"{STATISTIC} at {LEVEL:g}, " if ratios else ""
    return Verdict(
        claim="C11",
        title=f"At equal memory RAD's gradient noise is not larger than mini-batching's: {model}",
        setting=f"{model} on {data}, n={worst.n} gradients at {len(points)} points of training",
        verdict="not reproduced" if above else "reproduced" if below else "inconclusive",
        statistic=STATISTIC,
        interval=worst,
        n=worst.n,
        sentence=numbers + "; ".join(parts) + ".",
    )


def _ratios(rows: pd.DataFrame) -> dict[int, Interval]:
    """Return the ratio of the two arms at each point of training, in the order of training."""
    if rows.empty:
        return {}
    found = against_small_batch(rows).sort_values("iteration").to_dict("records")
    ratios = {}
    for row in found:
        low, high = (row["low"], row["high"]) if row["n"] > 1 else (math.nan, math.nan)
        ratios[int(row["iteration"])] = Interval(row["ratio"], low, high, int(row["n"]))
    return ratios


def _unfavourable(ratio: Interval) -> float:
    """Order ratios by how far their interval reaches up; none at all is worst."""
    return ratio.high if ratio.defined else math.inf
