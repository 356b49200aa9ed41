"""The frontier as tables: added noise and step times by budget, and iterations to the same loss."""

from __future__ import annotations

import math

import pandas as pd

from radexp.analysis.frontier import POINT, best_by_budget, summarize_frontier
from radexp.reporting.grids import Grid
from radexp.reporting.measurements import MeasuredTable

NOISE_NOTE = (
    "Noise that an estimator adds to the gradient, E|e - b|^2, over what the exact gradient b of "
    "the whole batch has itself; of a small batch, what it has more. Budgets are parts of what the "
    "stock exact step holds. best: the least noisy single sketch; auto / best: of their noise."
)
TIME_NOTE = (
    "Median seconds of forward and backward pass over those of the stock exact step, each beside "
    "it in one process."
)
TRAINING_NOTE = (
    "iterations, examples, seconds: to the training loss where the exact baseline has made 95% of "
    "its way in log loss, over the baseline's own; geometric means over seeds, in brackets the 95% "
    "bootstrap interval; never: not reached by all seeds. share: bytes held for the backward pass, "
    "of the baseline's. No estimator is tuned by itself: all have the baseline's settings."
)


def frontier_grids(table: MeasuredTable) -> list[Grid]:
    """Return for each point of training the added noise by budget, and one table of step times."""
    summary = summarize_frontier(table.rows)
    best = best_by_budget(summary)
    grids = []
    for (model, data, iteration), group in summary.groupby(POINT, sort=False):
        chosen = (best["model"] == model) & (best["data"] == data)
        lead = best[chosen & (best["iteration"] == iteration)].set_index("budget")
        where = f"{model} on {data}, {iteration:,} iterations, {table.study}"
        noise = _by_budget(group, "added")
        rows = [
            (
                *(f"{budget:.3g}", *line),
                str(lead["best"].get(budget, "-")),
                _number(lead["auto"].get(budget, math.nan)),
            )
            for budget, line in noise.items()
        ]
        heads = ("budget", *sorted(set(group["estimator"])), "best", "auto / best")
        grids.append(Grid(f"Added noise, {where}", heads, rows, NOISE_NOTE))
        times = [(f"{budget:.3g}", *line) for budget, line in _by_budget(group, "time").items()]
        grids.append(Grid(f"Step time, {where}", heads[:-2], times, TIME_NOTE))
    return grids


def training_grids(table: pd.DataFrame) -> list[Grid]:
    """Return for each network the iterations to the same loss.

    Args:
        table: As ``radexp.analysis.frontier_training.slowdowns`` returns it.
    """
    grids = []
    for (model, data), group in table.groupby(["model", "data"], sort=False):
        rows = [
            (
                *(str(row["label"]), f"{100 * row['share']:.3g}%", f"{row['n']}"),
                _late(row["iterations"], row["low"], row["high"]),
                *(_late(row[name]) for name in ("examples", "seconds")),
                *(f"{row['step']:.2f}", f"{row['loss']:.3g}"),
            )
            for row in group.sort_values(["arm", "share"]).to_dict("records")
        ]
        heads = ("arm", "share", "n", "iterations", "examples", "seconds", "step", "final loss")
        grids.append(Grid(f"To the same loss: {model} on {data}", heads, rows, TRAINING_NOTE))
    return grids


def _by_budget(group: pd.DataFrame, value: str) -> dict[float, tuple[str, ...]]:
    """Return the cells of a value, a line for each budget, a column for each estimator."""
    table = group.pivot(index="budget", columns="estimator", values=value)
    return {
        float(b): tuple(map(_number, line))
        for b, line in zip(table.index, table.to_numpy(), strict=True)
    }


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2g}"


def _late(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """Write a ratio with its interval if it has one."""
    if not math.isfinite(value):
        return "never"
    return f"{value:.2f}" + ("" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]")
