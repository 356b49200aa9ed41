"""How many more iterations a budget costs: every arm against the full-memory baseline, by seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from radexp.analysis.comparison import JUDGED
from radexp.analysis.curves import Axis, Curve, run_curves
from radexp.analysis.settings import by_setting
from radexp.analysis.slowdown import PART_OF_WAY
from radexp.analysis.statistics import paired_t_interval

STUDY = "frontier_training"
BASELINE = "exact"
COLUMNS = (
    *("setting", "model", "data", "arm", "label", "saved_bytes", "share", "n", "reached"),
    *("iterations", "low", "high", "examples", "seconds", "step", "loss"),
)


def of_frontier(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the runs that train along the frontier, of which no claim of the paper speaks, from all.

    Args:
        runs: Run table of ``radexp.reporting.records``.

    Returns:
        The frontier's, and the others.
    """
    ours = runs["study"].astype(str).str.startswith(STUDY)
    return runs[ours], runs[~ours]


def slowdowns(runs: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Compare the way of every arm to the same training loss with the baseline's.

    For each seed the target is the baseline's loss where it has made 95% of its way, in log loss,
    from its start to its end, as for the reactor. Between two evaluations the log loss is taken
    to be linear. A target that is not reached is infinitely late, a run that diverged reaches none.
    Seeds without a completed baseline that learned are left out.

    Args:
        runs: Run table of ``radexp.reporting.records``.
        curves: Tidy curves that cover them.

    Returns:
        For each setting of the study and each version of an arm: ``saved_bytes``, and their
        ``share`` of the baseline's; ``n`` seeds and how many ``reached`` the target; the geometric
        mean over seeds of its ``iterations`` over the baseline's, with the 95% paired t interval
        ``low`` and ``high`` of its logarithm; the same of ``examples`` and training ``seconds``;
        ``step``, the median ratio of the seconds of a step; and the geometric mean of the final
        training ``loss``.

    Source: ours.
    """
    found = []
    for setting, members in by_setting(of_frontier(runs)[0]):
        judged = members[members["status"].isin(JUDGED)]
        known = run_curves(curves[curves["run"].isin(judged["run"])])
        base, targets = _baseline(judged, known)
        for label, group in judged.groupby("label", sort=False):
            own = group[group["seed"].isin(targets)]
            if len(own):
                row = {"setting": setting.title, "model": setting.model, "data": setting.data}
                compared = _compared(own, base, targets, known)
                found.append({**row, "label": str(label), **compared})
    return pd.DataFrame(found, columns=list(COLUMNS))


def without_baseline(runs: pd.DataFrame, curves: pd.DataFrame) -> list[str]:
    """Name the settings of the study that have arms and no baseline that learned.

    Args:
        runs: Run table of ``radexp.reporting.records``.
        curves: Tidy curves that cover them.
    """
    settings = [setting.title for setting, _ in by_setting(of_frontier(runs)[0])]
    compared = set(slowdowns(runs, curves)["setting"])
    return [title for title in settings if title not in compared]


def _baseline(
    judged: pd.DataFrame, known: dict[str, Curve]
) -> tuple[pd.DataFrame, dict[int, float]]:
    """Return the baseline's runs by seed, and the target log loss of each that learned."""
    exact = judged[(judged["arm"] == BASELINE) & (judged["status"] == "completed")]
    base = exact[exact["run"].isin(known)].drop_duplicates("seed").set_index("seed")
    targets: dict[int, float] = {}
    for seed, run in zip(base.index, base["run"], strict=True):
        start, end = known[str(run)].values[[0, -1]]
        if end < start:
            targets[int(seed)] = float(start + PART_OF_WAY * (end - start))
    return base, targets


def _compared(
    own: pd.DataFrame, base: pd.DataFrame, targets: dict[int, float], known: dict[str, Curve]
) -> dict[str, Any]:
    """Compare the runs of an arm with the baseline's of the same seeds."""
    axes: tuple[Axis, ...] = ("iterations", "examples", "seconds")
    late: dict[Axis, list[float]] = {axis: [] for axis in axes}
    for row in own.to_dict("records"):
        target = targets[row["seed"]]
        reference = known[str(base.loc[row["seed"], "run"])]
        curve = known.get(str(row["run"])) if row["status"] == "completed" else None
        for axis, ratios in late.items():
            reached = math.inf if curve is None else arrival(curve, target, axis)
            ratios.append(math.log(reached / arrival(reference, target, axis)))
    interval = paired_t_interval(late["iterations"], [0.0] * len(own))
    saved = float(own["measured_saved_bytes"].max())
    steps = own["step_seconds"].to_numpy() / base.loc[own["seed"], "step_seconds"].to_numpy()
    with np.errstate(divide="ignore"):
        loss = float(np.exp(np.log(own["final_train_loss"].fillna(np.inf)).mean()))
    return {
        "arm": own["arm"].iloc[0],
        "saved_bytes": saved,
        "share": saved / float(base["measured_saved_bytes"].max()),
        "n": interval.n,
        "reached": sum(map(math.isfinite, late["iterations"])),
        **{axis: math.exp(np.mean(ratios)) for axis, ratios in late.items()},
        "low": math.exp(interval.low),
        "high": math.exp(interval.high),
        "step": float(np.median(steps)),
        "loss": loss,
    }


def arrival(curve: Curve, target: float, axis: Axis) -> float:
    """Return where a curve first reaches a log loss, linear between evaluations; or infinity.

    Example:
        >>> x = np.array([0.0, 10.0, 20.0])
        >>> arrival(Curve("a", x, x, x, np.array([4.0, 2.0, 1.0])), 3.0, "iterations")
        5.0
    """
    x, values = curve.along(axis), curve.values
    below = np.flatnonzero(values <= target)
    if not len(below):
        return math.inf
    last = int(below[0])
    if last == 0 or not math.isfinite(values[last - 1]):
        return float(x[last])
    part = (values[last - 1] - target) / (values[last - 1] - values[last])
    return float(x[last - 1] + part * (x[last] - x[last - 1]))
