"""Trials of step size and L2: which one wins, and whether its range was wide enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

# A trial in another state than these has not been judged.
JUDGED = ("completed", "diverged")
COLUMNS = (
    *("estimator", "trial", "lr", "weight_decay", "validation_loss", "validation_accuracy"),
    *("status", "run"),
)
# Nearer to an end than this share of the range, on the log scale, is near the edge.
EDGE = 0.1


def trial_table(trials: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Put trials into a table, the diverged ones with an infinite loss.

    Args:
        trials: Values by the names in ``COLUMNS``; a loss or accuracy may be None.

    Returns:
        One row for each trial, sorted by trial within each estimator; estimators as they came.
        The loss of a trial that is not judged is NaN.
    """
    table = pd.DataFrame([dict(trial) for trial in trials], columns=list(COLUMNS))
    for name in ("validation_loss", "validation_accuracy"):
        table[name] = pd.to_numeric(table[name]).astype(float)
    completed = table["status"] == "completed"
    table["validation_loss"] = table["validation_loss"].where(completed, math.nan)
    table.loc[table["status"] == "diverged", "validation_loss"] = math.inf
    parts = [part for _, part in table.groupby("estimator", sort=False)]
    ordered = [part.sort_values("trial", kind="stable") for part in parts]
    return pd.concat(ordered, ignore_index=True) if ordered else table


def winners(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return each estimator's trial of the lowest validation loss; of equals, the first.

    Args:
        table: As ``trial_table`` returns it.

    Returns:
        Rows by estimator; an estimator without a finite loss has none.

    Example:
        >>> row = dict(estimator="rad", lr=1e-3, weight_decay=0.0, status="completed", run="a")
        >>> loss = dict(validation_loss=0.5, validation_accuracy=0.9)
        >>> winners(trial_table([row | loss | {"trial": 0}]))["rad"]["trial"]
        0
    """
    best = {}
    for name, part in table.groupby("estimator", sort=False):
        finite = part[part["validation_loss"].map(math.isfinite)]
        if len(finite):
            row = finite.loc[finite["validation_loss"].idxmin()].to_dict()
            best[str(name)] = {str(key): value for key, value in row.items()}
    return best


def near_edge(value: float, low: float, high: float) -> str | None:
    """Tell which end of a range a value is near to on the log scale, if it is near one.

    Args:
        value: From ``low`` to ``high``.
        low: Above 0.
        high: At least ``low``; if it is ``low`` there is no range to be wider.

    Example:
        >>> near_edge(9e-3, 1e-4, 1e-2), near_edge(1e-3, 1e-4, 1e-2)
        ('upper', None)
    """
    if low == high:
        return None
    position = math.log(value / low) / math.log(high / low)
    if position < EDGE:
        return "lower"
    return "upper" if position > 1 - EDGE else None
