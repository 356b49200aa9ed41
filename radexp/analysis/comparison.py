"""One arm against another, paired by seed, on the training loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radexp.analysis.curves import (
    Axis,
    Curve,
    common_horizon,
    iterations_to_target,
    mean_log_loss,
    mean_log_loss_until,
    run_curves,
)
from radexp.analysis.statistics import Interval, paired_t_interval
from radexp.errors import UsageError

DECIDING = "mean log training loss"
TO_TARGET = "log iterations to the target"
JUDGED = ("completed", "diverged")
Curves = Sequence[Curve | None]  # None: a diverged run


@dataclass(frozen=True)
class Comparison:
    """Paired differences, favoured arm minus the other: below 0 speaks for the favoured one.

    Attributes:
        favoured: The arm that the claim says is better.
        other: The arm it is compared with.
        deciding: 95% paired t interval of the pre-registered statistic.
        secondary: The same for other views of the curves; they decide nothing.
        diverged: Whether a run of the favoured arm diverged.
        learned: How far the mean log loss after iteration 0 lies below the log loss there, on
            average over seeds, in the arm that learned more.
    """

    favoured: str
    other: str
    deciding: Interval
    secondary: dict[str, Interval]
    diverged: bool
    learned: float = math.nan

    @property
    def verdict(self) -> str:
        """The pre-registered rule: where the interval lies decides."""
        if self.diverged or self.deciding.low > 0:
            return "not reproduced"
        return "reproduced" if self.deciding.high < 0 else "inconclusive"

    def __str__(self) -> str:
        return f"{self.favoured} minus {self.other} {self.deciding}"


def compare(runs: pd.DataFrame, curves: pd.DataFrame, favoured: str, other: str) -> Comparison:
    """Compare the training-loss curves of two arms of one setting over their seeds.

    A diverged run counts as an infinite loss. Interrupted and failed runs count as missing. Where
    all runs have one and the same ``target``, a training loss, there is a view of the iterations
    to it besides; a run that never gets there is infinitely late.

    Args:
        runs: Runs of one setting.
        curves: Tidy curves that cover them.
        favoured: The arm that the claim says is better.
        other: The other arm; both must be there.

    Returns:
        The comparison.

    Raises:
        UsageError: If a seed is missing or doubled on one side, or runs were evaluated at
            different iterations.
    """
    seeds = sorted(set(runs.loc[runs["arm"].isin([favoured, other]), "seed"]))
    known = run_curves(curves)
    left = [_curve(runs, known, favoured, seed) for seed in seeds]
    right = [_curve(runs, known, other, seed) for seed in seeds]
    _check_same_points([curve for curve in left + right if curve is not None])
    target = _target(runs[runs["arm"].isin([favoured, other])])
    measures = MEASURES if target is None else {**MEASURES, TO_TARGET: _log_iterations(target)}
    scores = {name: measure([*left, *right]) for name, measure in measures.items()}
    intervals = {name: _interval(values) for name, values in scores.items()}
    diverged = math.inf in scores[DECIDING][: len(seeds)]
    deciding, learned = intervals.pop(DECIDING), max(_fall(left), _fall(right))
    return Comparison(favoured, other, deciding, intervals, diverged, learned)


def _fall(curves: Curves) -> float:
    """Return how far an arm's log loss fell below its start, on average; 0 if all diverged."""
    falls = [curve.values[0] - mean_log_loss(curve) for curve in curves if curve is not None]
    return float(np.mean(falls)) if falls else 0.0


def _interval(scores: list[float]) -> Interval:
    """Pair the first half with the second; where a view has no value there is no interval."""
    n = len(scores) // 2
    if any(math.isnan(score) for score in scores):
        return Interval(math.nan, math.nan, math.nan, n)
    return paired_t_interval(scores[:n], scores[n:])


def _each(score: Callable[[Curve], float]) -> Callable[[Curves], list[float]]:
    """Turn a score of one curve into one of all, infinite for diverged runs."""
    return lambda curves: [math.inf if curve is None else score(curve) for curve in curves]


def _until(axis: Axis) -> Callable[[Curves], list[float]]:
    """Return the mean log loss up to where all compared runs got on an axis."""

    def measure(curves: Curves) -> list[float]:
        horizon = common_horizon([c for c in curves if c is not None] or [_NOWHERE], axis)
        return _each(lambda curve: mean_log_loss_until(curve, axis, horizon))(curves)

    return measure


def _log_iterations(target: float) -> Callable[[Curves], list[float]]:
    """Return the log of the first evaluated iteration at or below a loss; 0 counts as 1."""
    return _each(lambda curve: float(np.log(max(1.0, iterations_to_target(curve, target)))))


def _target(runs: pd.DataFrame) -> float | None:
    """Return the one target that all of these runs have; None if they have none in common."""
    targets = set(runs["target"]) if "target" in runs else set()
    return targets.pop() if len(targets) == 1 and not runs["target"].isna().any() else None


_NOWHERE = Curve("", *[np.zeros(1)] * 4)
MEASURES: dict[str, Callable[[Curves], list[float]]] = {
    DECIDING: _each(mean_log_loss),
    "final log training loss": _each(lambda curve: float(curve.values[-1])),
    "at equal training seconds": _until("seconds"),
    "at equal examples seen": _until("examples"),
}


def _curve(runs: pd.DataFrame, known: dict[str, Curve], arm: str, seed: int) -> Curve | None:
    """Return the curve of the one run of an arm and a seed; None if it diverged."""
    found = runs[(runs["arm"] == arm) & (runs["seed"] == seed)]
    judged = found[found["status"].isin(JUDGED)]
    if len(judged) != 1:
        statuses = ", ".join(sorted(found["status"])) or "no run"
        raise UsageError(
            f"seed {seed} of {arm}: {len(judged)} runs to judge ({statuses}); allowed is exactly "
            f"one that {' or '.join(JUDGED)}; run it to its end, or report on fewer folders"
        )
    run = str(judged["run"].iloc[0])
    if judged["status"].iloc[0] == "diverged":
        return None
    if run not in known or known[run].iterations[-1] <= 0:
        raise UsageError(
            f"run {run}: completed, but its training loss was not evaluated after iteration 0; "
            "allowed is at least once; lower training.evaluate_train_every and run it again"
        )
    return known[run]


def _check_same_points(curves: list[Curve]) -> None:
    """Refuse means over different evaluation points."""
    for curve in curves[1:]:
        if not np.array_equal(curve.iterations, curves[0].iterations):
            raise UsageError(
                f"runs {curves[0].run} and {curve.run}: evaluated at different iterations; "
                "allowed is the same; use one training.evaluate_train_every for all arms"
            )
