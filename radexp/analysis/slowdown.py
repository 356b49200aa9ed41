"""How many more iterations one arm needs than another, paired by seed."""

from __future__ import annotations

import math

import pandas as pd

from radexp.analysis.comparison import JUDGED, Comparison
from radexp.analysis.curves import Curve, iterations_to_target, run_curves
from radexp.analysis.statistics import Interval, paired_t_interval
from radexp.errors import UsageError

SLOWDOWN = "log slowdown beyond the margin"
# Fixed beforehand. The target is where the reference has made this part of its way, in log loss,
# from its start to its end: at the very end an arm with any noise left would never arrive.
PART_OF_WAY = 0.95
# "Without a significant slowdown": at most a quarter more iterations.
MARGIN = math.log(1.25)


def compare_slowdown(
    runs: pd.DataFrame, curves: pd.DataFrame, favoured: str, reference: str
) -> Comparison:
    """Compare the iterations that two arms need for the same loss, seed by seed.

    For each seed the target is the reference's loss at ``PART_OF_WAY``, and the slowdown is the
    ratio of the first iterations at which favoured and reference reach it. The deciding interval
    is the 95% paired t interval of log slowdown minus ``MARGIN``: wholly below 0, the favoured arm
    is not slower by more than the margin. A target that is never reached is infinitely late.

    Only for models whose ``batch`` rows are exact losses, as a control's are.

    Args:
        runs: Runs of one setting, with the column ``label``.
        curves: Tidy curves that cover them.
        favoured: Label of the arm that shall not be slower.
        reference: Label of the arm that it is held against.

    Returns:
        The comparison; its secondary view is the log slowdown itself.

    Raises:
        UsageError: If a seed is missing or doubled on one side, or the reference learns nothing.
    """
    known = run_curves(curves, "batch")
    seeds = sorted(set(runs.loc[runs["label"].isin([favoured, reference]), "seed"]))
    late = [_log_iterations(runs, known, favoured, reference, seed) for seed in seeds]
    ours, theirs = [pair[0] for pair in late], [pair[1] for pair in late]
    plain = paired_t_interval(ours, theirs)
    low, high = plain.low - MARGIN, plain.high - MARGIN
    deciding = Interval(plain.mean - MARGIN, low, high, plain.n)
    return Comparison(favoured, reference, deciding, {"log slowdown": plain}, math.inf in ours)


def _log_iterations(
    runs: pd.DataFrame, known: dict[str, Curve], favoured: str, reference: str, seed: int
) -> tuple[float, float]:
    """Return the log of the iterations that both arms need for the reference's target."""
    curve = _curve(runs, known, reference, seed)
    start, end = float(curve.values[0]), float(curve.values[-1])
    if not end < start:
        raise UsageError(
            f"seed {seed} of {reference}: its loss does not fall; allowed is a reference that "
            "learns; lower optimizer.lr"
        )
    target = math.exp(start + PART_OF_WAY * (end - start))
    reached = [iterations_to_target(_curve(runs, known, favoured, seed), target)]
    reached.append(iterations_to_target(curve, target))
    return math.log(reached[0]), math.log(reached[1])


def _curve(runs: pd.DataFrame, known: dict[str, Curve], label: str, seed: int) -> Curve:
    """Return the curve of the one run of an arm and a seed."""
    found = runs[(runs["label"] == label) & (runs["seed"] == seed)]
    found = found[found["status"].isin(JUDGED)]
    if len(found) != 1 or str(found["run"].iloc[0]) not in known:
        raise UsageError(
            f"seed {seed} of {label}: {len(found)} runs to judge; allowed is exactly one, with "
            "rows of its batches; run it to its end with training.log_every=1"
        )
    return known[str(found["run"].iloc[0])]
