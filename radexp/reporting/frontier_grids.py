"""The frontier as tables: added noise and step times by budget, and iterations to the same loss."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from radexp.analysis.frontier import NO_NOISE, POINT, best_by_budget, summarize_frontier
from radexp.analysis.frontier_training import slowdowns, without_baseline
from radexp.analysis.noise_summary import WHOLE
from radexp.reporting.grids import Grid
from radexp.reporting.measurements import MeasuredTable

NOISE_NOTE = (
    "Noise that an estimator adds to the gradient, E|e - b|^2, over what the exact gradient b of "
    "the whole batch has itself; of a small batch, what it has more. Budgets are parts of what the "
    "stock exact step holds. best: the least noisy single sketch; auto / best: of their noise."
)
TIME_NOTE = (
    "Seconds of forward and backward pass over those of the stock exact step right before it: the "
    "median of such pairs, in brackets their quartiles."
)
TRAINING_NOTE = (
    "iterations, examples, seconds: to the training loss where the exact baseline has made 95% of "
    "its way in log loss, over the baseline's own; geometric means over seeds, in brackets the 95% "
    "paired t interval; never (k/n): k of n seeds reached it. share: bytes held for the backward "
    "pass, of the baseline's. No estimator is tuned by itself: all have the baseline's settings."
)


def frontier_grids(table: MeasuredTable) -> list[Grid]:
    """Return for each point of training the added noise by budget, and the times of a step."""
    summary = summarize_frontier(table.rows)
    summary = summary[summary["layer"] == WHOLE]
    best = best_by_budget(summary)
    grids = []
    for (model, data, iteration), group in summary.groupby(POINT):
        chosen = (best["model"] == model) & (best["data"] == data)
        lead = best[chosen & (best["iteration"] == iteration)].set_index("budget")
        where = f"{model} on {data}, {iteration:,} iterations, {table.study}"
        names = tuple(sorted(set(group["estimator"])))
        noise, times = [], []
        for budget in sorted(set(group["budget"])):
            line = group[group["budget"] == budget]
            rows = {str(row["estimator"]): row for row in line.to_dict("records")}
            first = f"{100 * budget:.3g}%"
            best_one = str(lead["best"].get(budget, "-"))
            ratio = _number(lead["auto"].get(budget, math.nan))
            noise.append((first, *(_noise(rows.get(name)) for name in names), best_one, ratio))
            times.append((first, *(_time(rows.get(name)) for name in names)))
        heads = ("budget", *names, "best", "auto / best")
        grids.append(Grid(f"Added noise, {where}", heads, noise, NOISE_NOTE))
        grids.append(Grid(f"Step time, {where}", heads[:-2], times, TIME_NOTE))
    return grids


def training_grids(runs: pd.DataFrame, curves: pd.DataFrame) -> list[Grid]:
    """Return for each setting the iterations to the same loss.

    Args:
        runs: Run table of ``radexp.reporting.records``.
        curves: Tidy curves that cover them.
    """
    grids = []
    for setting, group in slowdowns(runs, curves).groupby("setting", sort=False):
        rows = [
            (
                *(str(row["label"]), f"{100 * row['share']:.3g}%", f"{row['n']}"),
                _late(row, "iterations") + _interval(row["low"], row["high"]),
                *(_late(row, name) for name in ("examples", "seconds")),
                *(f"{row['step']:.2f}", f"{row['loss']:.3g}"),
            )
            for row in group.sort_values(["arm", "share"]).to_dict("records")
        ]
        heads = ("arm", "share", "n", "iterations", "examples", "seconds", "step", "final loss")
        grids.append(Grid(f"To the same loss, {setting}", heads, rows, TRAINING_NOTE))
    for setting in without_baseline(runs, curves):
        note = "No completed run of the exact baseline learned, so nothing is compared: run "
        note += "experiment=frontier_exact of the same preset and seeds."
        grids.append(Grid(f"To the same loss, {setting}", ("arm",), [], note))
    return grids


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2g}"


def _noise(row: dict[Hashable, Any] | None) -> str:
    if row is None:
        return "-"
    return "0" if abs(row["added"]) < NO_NOISE else f"{row['added']:.2g}"


def _time(row: dict[Hashable, Any] | None) -> str:
    return "-" if row is None else f"{row['time']:.2f}" + _interval(row["fast"], row["slow"])


def _late(row: dict[Hashable, Any], axis: str) -> str:
    """Write a ratio; an infinite one says how many seeds arrived."""
    value = float(row[axis])
    return f"{value:.2f}" if math.isfinite(value) else f"never ({row['reached']}/{row['n']})"


def _interval(low: float, high: float) -> str:
    """Write an interval if there is one."""
    return f" [{low:.2f}, {high:.2f}]" if math.isfinite(low) and math.isfinite(high) else ""
