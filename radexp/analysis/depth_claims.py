"""C9 and C10 as code: does variance grow with depth, and at the derived rate?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from radexp.analysis.depth_rates import CURVES, log_slope
from radexp.analysis.statistics import Interval, paired_t_interval
from radexp.analysis.verdict import NO_INTERVAL, Verdict, weakest
from radexp.errors import require

# Per layer. Fixed before any measurement, as are the rules below.
MARGIN = 0.1
FLAT = ("independent", "inputs")
STATISTIC = "slope of log variance per layer"
RULE = (
    "Each seed gives one slope of the log variance against depth (least squares); the 95% t "
    f"interval over seeds decides. Flat: the interval lies within +-{MARGIN} per layer. Growing: "
    f"it lies above 0 and within +-{MARGIN} of the derived curve's slope at the same depths. A "
    "line is not reproduced if its interval lies wholly outside these bounds, and a claim stands "
    "with its weakest line."
)
CLAIMS = {
    "C9": (
        "graphs",
        ("independent", "interleaved"),
        "Path sampling: variance is constant in depth for independent paths and grows "
        "exponentially, at the derived rate, for interleaved ones",
    ),
    "C10": (
        "networks",
        ("inputs", "everywhere"),
        "Networks: sketching layer inputs alone keeps variance constant in depth, injection at "
        "every Jacobian makes it grow exponentially, at the derived rate",
    ),
}
LINE = ["arm", "sketch", "width", "kept"]


@dataclass(frozen=True)
class Trend:
    """The trend of one line: an arm with one sketch and one kept fraction.

    Attributes:
        arm: ``independent``, ``interleaved``, ``inputs`` or ``everywhere``.
        sketch: What was sampled or projected.
        fraction: Kept fraction.
        slope: Of the log variance per layer, with its 95% t interval over seeds.
        derived: The slope of the derived curve at the same depths.
    """

    arm: str
    sketch: str
    fraction: float
    slope: Interval
    derived: float

    @property
    def verdict(self) -> str:
        """The rule fixed beforehand."""
        if not self.slope.defined:
            return "inconclusive"
        target = 0.0 if self.arm in FLAT else self.derived
        low, high = self.slope.low - target, self.slope.high - target
        grows = self.arm in FLAT or self.slope.low > 0
        if low > -MARGIN and high < MARGIN and grows:
            return "reproduced"
        falls = self.arm not in FLAT and self.slope.high <= 0
        return "not reproduced" if low > MARGIN or high < -MARGIN or falls else "inconclusive"

    def __str__(self) -> str:
        return (
            f"{self.arm} {self.sketch} at {self.fraction:.3g}: {self.slope} (derived "
            f"{self.derived:.3g})"
        )


def trends(rows: pd.DataFrame) -> list[Trend]:
    """Return the trend of every line.

    Args:
        rows: One row for each arm, sketch, kept count, depth and seed, with the columns ``arm``,
            ``sketch``, ``width``, ``kept``, ``depth``, ``seed`` and ``variance`` (relative).

    Raises:
        UsageError: If a seed lacks a depth or has one twice, there are fewer than two depths, or a
            variance is not a positive number.

    Example:
        >>> line = {"arm": "inputs", "sketch": "sampling", "width": 16, "kept": 4}
        >>> rows = pd.DataFrame(
        ...     {**line, "depth": depth, "seed": seed, "variance": 3.75}
        ...     for depth in (1, 2, 4)
        ...     for seed in (0, 1)
        ... )
        >>> (trend,) = trends(rows)
        >>> trend.fraction, abs(trend.slope.mean) < 1e-9, trend.derived, trend.verdict
        (0.25, True, 0.0, 'reproduced')

    Source: docs/graph.md derives the curves; claims C9 and C10 are from sections 3.3 and 4.2.
    """
    found = []
    for key, group in rows.groupby(LINE, sort=False):
        arm, sketch = map(str, key[:2])
        width, kept = int(group["width"].iloc[0]), int(group["kept"].iloc[0])
        name = f"{arm} {sketch} {kept}/{width}"
        table = _by_seed(group, name)
        depth = table.columns.to_numpy(dtype=np.float64)
        slopes = [log_slope(depth, values) for values in table.to_numpy(dtype=np.float64)]
        # Rounded: the logarithms of a constant have a slope of 1e-17 or so.
        derived = round(log_slope(depth, CURVES[arm](depth, width, kept)), 12) + 0.0
        interval = paired_t_interval(slopes, [0.0] * len(slopes))
        found.append(Trend(arm, sketch, kept / width, interval, derived))
    return found


def _by_seed(group: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return variances with one row for each seed and one column for each depth."""
    doubled = group.duplicated(["seed", "depth"]).any()
    table = group.drop_duplicates(["seed", "depth"]).pivot(
        index="seed", columns="depth", values="variance"
    )
    complete = not doubled and not table.isna().to_numpy().any() and table.shape[1] > 1
    allowed = "every seed once at every depth, of two depths at least"
    require(complete, f"{name}: {len(group)} rows", allowed, "run the study to its end")
    values = table.to_numpy(dtype=np.float64)
    positive = bool((np.isfinite(values) & (values > 0)).all())
    require(positive, f"{name}: a variance", "a finite number above 0", "measure with more draws")
    return table


def judge_depth(rows: pd.DataFrame) -> list[Verdict]:
    """Judge C9 and C10 from the study's rows alone.

    Args:
        rows: As for ``trends``, with the column ``study`` besides: ``graphs`` or ``networks``.

    Returns:
        One verdict for each claim; inconclusive where an arm is missing.

    Raises:
        UsageError: As in ``trends``.

    Example:
        >>> line = {"study": "networks", "sketch": "sampling", "width": 16, "kept": 4}
        >>> rows = pd.DataFrame(
        ...     {**line, "arm": "inputs", "depth": depth, "seed": seed, "variance": 3.75}
        ...     for depth in (1, 2, 4)
        ...     for seed in (0, 1)
        ... )
        >>> [(verdict.claim, verdict.verdict) for verdict in judge_depth(rows)]
        [('C9', 'inconclusive'), ('C10', 'inconclusive')]

    Source: sections 3.3 and 4.2 of the paper.
    """
    verdicts = []
    for claim, (study, arms, title) in CLAIMS.items():
        lines = trends(rows[rows["study"] == study])
        missing = [arm for arm in arms if arm not in {line.arm for line in lines}]
        outcome = weakest(line.verdict for line in lines)
        deciding = next((line for line in lines if line.verdict == outcome), None)
        remark = [f"no rows of {', '.join(missing)}"] if missing else []
        interval = deciding.slope if deciding else NO_INTERVAL
        verdicts.append(
            Verdict(
                claim=claim,
                title=title,
                setting=f"{study}, n={interval.n} seeds",
                verdict="inconclusive" if missing and outcome == "reproduced" else outcome,
                statistic=STATISTIC,
                interval=interval,
                n=interval.n,
                sentence="; ".join([*map(str, lines), *remark]) + ".",
            )
        )
    return verdicts
