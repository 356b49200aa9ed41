"""Curves of single runs: log loss against iterations, examples or seconds, and their summaries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Axis = Literal["iterations", "examples", "seconds"]
Quantity = Literal["log_loss", "accuracy"]
LOSS_FLOOR = 1e-12


@dataclass(frozen=True)
class Curve:
    """One quantity of one run at T evaluation points, in the order of training.

    Attributes:
        run: Key of the run.
        iterations: Optimizer steps so far, shape (T,).
        examples: Training examples seen so far, shape (T,).
        seconds: Training seconds so far, without evaluation, shape (T,).
        values: Natural log of the loss, or accuracy; shape (T,).
    """

    run: str
    iterations: Floats
    examples: Floats
    seconds: Floats
    values: Floats

    def along(self, axis: Axis) -> Floats:
        """Return the coordinates on one axis, shape (T,)."""
        return {
            "iterations": self.iterations,
            "examples": self.examples,
            "seconds": self.seconds,
        }[axis]


def log_loss(loss: Floats) -> Floats:
    """Return log(max(loss, 1e-12)); a loss that is not a number counts as infinite.

    The floor, ``LOSS_FLOOR``, is far below what float32 training reaches; it only keeps a loss
    that rounds to 0 from deciding a mean by being minus infinity.
    """
    known: Floats = np.maximum(np.where(np.isnan(loss), np.inf, loss), LOSS_FLOOR)
    return np.log(known)


def run_curves(
    curves: pd.DataFrame, split: str = "train", quantity: Quantity = "log_loss"
) -> dict[str, Curve]:
    """Take one curve for each run out of the tidy table.

    Args:
        curves: Table with the columns of metrics.csv and ``run``.
        split: Rows to take; ``train`` rows are exact, over the whole training set.
        quantity: ``log_loss`` or ``accuracy``.

    Returns:
        Curves by run; runs without such rows are left out.
    """
    rows = curves[curves["split"] == split].sort_values(["run", "iteration"])
    if quantity == "accuracy":
        rows = rows[rows["accuracy"].notna()]
    found = {}
    for run, group in rows.groupby("run", sort=True):
        column = "accuracy" if quantity == "accuracy" else "loss"
        values = group[column].to_numpy(np.float64)
        found[str(run)] = Curve(
            run=str(run),
            iterations=group["iteration"].to_numpy(np.float64),
            examples=group["examples_seen"].to_numpy(np.float64),
            seconds=group["train_seconds"].to_numpy(np.float64),
            values=values if quantity == "accuracy" else log_loss(values),
        )
    return found


def mean_log_loss(curve: Curve) -> float:
    """Return the mean log loss over the evaluation points after iteration 0.

    This is the area under the log-loss curve per iteration, for points at equal distances. NaN
    if the run was never evaluated after iteration 0.
    """
    after = curve.values[curve.iterations > 0]
    return float(after.mean()) if len(after) else math.nan


def common_horizon(curves: Iterable[Curve], axis: Axis) -> float:
    """Return how far all curves reach: the smallest of their final coordinates."""
    return min(float(curve.along(axis)[-1]) for curve in curves)


def mean_log_loss_until(curve: Curve, axis: Axis, horizon: float) -> float:
    """Return the mean log loss over [0, horizon] of an axis: equal seconds or equal examples.

    The curve is linear in the log loss between evaluation points, iteration 0 included, and the
    mean is that polyline's integral divided by ``horizon``.

    Args:
        curve: A run's log loss.
        axis: ``examples`` or ``seconds``.
        horizon: Where to stop, not beyond the curve's end.

    Returns:
        The mean; NaN if the horizon is not positive.
    """
    if horizon <= 0:
        return math.nan
    x = curve.along(axis)
    inside = x[(x > 0) & (x < horizon)]
    knots = np.concatenate([[0.0], inside, [horizon]])
    values = np.interp(knots, x, curve.values)
    steps = np.diff(knots)
    return float(np.sum(steps * (values[1:] + values[:-1]) / 2) / horizon)


def iterations_to_target(curve: Curve, target_loss: float) -> float:
    """Return the first evaluated iteration at which the loss is at most the target.

    A target not reached is infinite: dropping such a run would favour arms that fail.
    """
    reached = curve.iterations[curve.values <= math.log(max(target_loss, LOSS_FLOOR))]
    return float(reached[0]) if len(reached) else math.inf


@dataclass(frozen=True)
class Band:
    """Mean and range over seeds at T common coordinates; every array has shape (T,)."""

    x: Floats
    mean: Floats
    low: Floats
    high: Floats


def seed_band(curves: Sequence[Curve], axis: Axis) -> Band:
    """Interpolate the curves of several seeds on common coordinates and summarize them.

    The coordinates are all evaluation points of all seeds up to their common horizon. Values are
    interpolated linearly as they are, so a mean of log losses is a mean in log space.

    Args:
        curves: One curve for each seed, at least one.
        axis: The axis to compare on.

    Returns:
        Mean, smallest and largest value over the seeds.
    """
    horizon = common_horizon(curves, axis)
    x = np.unique(np.concatenate([curve.along(axis) for curve in curves]))
    x = x[x <= horizon]
    stacked = np.stack([np.interp(x, curve.along(axis), curve.values) for curve in curves])
    return Band(x, stacked.mean(axis=0), stacked.min(axis=0), stacked.max(axis=0))
