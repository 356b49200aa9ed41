"""C1 as code: is every RAD estimator unbiased, by a test that would have seen a bias of 3%?"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
from scipy.stats import norm

from radexp.analysis.verdict import NO_INTERVAL, Verdict
from radexp.errors import require

# Of the whole family of tests, that an unbiased estimator is called biased. Fixed beforehand.
FALSE_ALARM = 1e-3
# Those that the claim speaks of, and the networks that it is tested on.
ESTIMATORS = ("rad", "rad_shared", "rad_project")
MODELS = ("mlp", "cnn", "rnn")
STATISTIC = "z-scores of bias, networks by estimators by fractions"
RULE = (
    "For one batch of each network, the mean of many gradient estimates G is held against the "
    "batch's exact gradient g: by the slope <G, g> / <g, g>, which must be 1, and entry by entry. "
    f"A family-wise false alarm of {FALSE_ALARM:g} is split over all tests by Bonferroni, half to "
    "the slopes and half to the entries, there once more over the M entries. A score beyond its "
    "threshold: not reproduced. As a negative control the same estimates are tested with a planted "
    "bias of 3%: where that is not caught, or estimators or controls are missing, the verdict is "
    "inconclusive, else reproduced."
)
COLUMNS = (
    *("model", "data", "estimator", "keep", "factor"),
    *("draws", "entries", "slope", "z_slope", "z_entry"),
)
TEST = ["model", "data", "estimator", "keep"]
Row = dict[Hashable, Any]


def judge_bias(rows: pd.DataFrame) -> list[Verdict]:
    """Judge C1 from the scores of all networks and estimators together.

    Args:
        rows: One for each model, data set, estimator and ``keep``, and besides one with the same
            estimates times a planted ``factor`` other than 1: ``draws`` R, ``entries`` M,
            ``slope``, its score ``z_slope``, and ``z_entry``, the largest |score| of an entry.

    Returns:
        One verdict.

    Raises:
        UsageError: If a column is missing, a number is, or a test was made twice.
    """
    missing = [name for name in COLUMNS if name not in rows]
    require(not missing, f"bias rows without {', '.join(missing)}", *_BIAS_ROWS)
    known = rows[[*TEST, "factor", "entries", "slope", "z_slope", "z_entry"]].notna().all(axis=None)
    require(bool(known), "bias rows with empty cells", *_BIAS_ROWS)
    doubled = rows.duplicated([*TEST, "factor"]).any()
    require(not doubled, "bias rows with one test twice", "one row for each", "give one study")
    own = rows[rows["factor"] == 1].to_dict("records")
    planted = rows[rows["factor"] != 1].to_dict("records")
    biased = [row for row in own if _excess(row, len(own)) > 1]
    unseen = [row for row in planted if not _excess(row, len(own)) > 1]
    gaps = _gaps(own, planted)
    decided = "inconclusive" if unseen or gaps or not own else "reproduced"
    return [
        Verdict(
            claim="C1",
            title="Every RAD estimator is unbiased",
            setting=_setting(own),
            verdict="not reproduced" if biased else decided,
            statistic=STATISTIC,
            interval=NO_INTERVAL,
            n=len(own),
            sentence=_sentence(own, biased, unseen, gaps),
        )
    ]


_BIAS_ROWS = ("the columns of bias.csv, all filled", "measure them again")


def thresholds(tests: int, entries: int) -> tuple[float, float]:
    """Return the largest |z| of a slope and of M entries that are no sign of bias, two-sided.

    With T tests each slope has a false alarm of ``FALSE_ALARM / 2 / T``, each entry one of
    ``FALSE_ALARM / 2 / T / M``.

    Args:
        tests: T, estimators on networks at fractions.
        entries: M, of the gradient.

    Returns:
        Both thresholds.

    Example:
        >>> [round(z, 2) for z in thresholds(9, 1000)]
        [4.03, 5.43]
    """
    each = FALSE_ALARM / 2 / tests / 2
    return float(norm.isf(each)), float(norm.isf(each / entries))


def _excess(row: Row, tests: int) -> float:
    """Return the larger of a row's scores in units of its threshold."""
    slope, entry = thresholds(max(tests, 1), int(row["entries"]))
    return max(abs(float(row["z_slope"])) / slope, abs(float(row["z_entry"])) / entry)


def _gaps(own: list[Row], planted: list[Row]) -> list[str]:
    """Name what was not tested, and tests that have no control."""
    tested = {(row["model"], row["estimator"]) for row in own}
    wanted = [(model, name) for model in MODELS for name in ESTIMATORS]
    gaps = [f"no rows of {model} {name}" for model, name in wanted if (model, name) not in tested]
    controls = {_name(row) for row in planted}
    gaps += [f"no planted bias in {_name(row)}" for row in own if _name(row) not in controls]
    return gaps


def _name(row: Row) -> str:
    return f"{row['model']} on {row['data']} {row['estimator']} at {row['keep']:g}"


def _scores(row: Row) -> str:
    return f"{_name(row)} (slope {row['slope']:.4g}, z {row['z_slope']:.2f}, entries {_entry(row)})"


def _entry(row: Row) -> str:
    return f"{row['z_entry']:.2f} of {int(row['entries'])}"


def _setting(own: list[Row]) -> str:
    networks = dict.fromkeys(f"{row['model']} on {row['data']}" for row in own)
    draws = sorted({int(row["draws"]) for row in own})
    spread = f"{draws[0]} to {draws[-1]}" if len(draws) > 1 else "".join(map(str, draws))
    return f"{', '.join(networks)}; {spread or 'no'} draws of each estimator"


def _sentence(own: list[Row], biased: list[Row], unseen: list[Row], gaps: list[str]) -> str:
    """Word the outcome: what is beyond its threshold, what was not caught, what comes nearest."""
    parts = []
    if biased:
        parts.append(f"beyond the threshold: {', '.join(map(_scores, biased))}")
    elif own:
        nearest = max(own, key=lambda row: _excess(row, len(own)))
        limits = " and ".join(f"{z:.2f}" for z in thresholds(len(own), int(nearest["entries"])))
        parts.append(
            f"none of {len(own)} estimators on a network is beyond its threshold; nearest is "
            f"{_scores(nearest)}, of {limits} for slope and entries"
        )
    if unseen:
        parts.append(
            "the test could not have seen a bias of 3%: not caught where planted in "
            f"{', '.join(map(_scores, unseen))}"
        )
    elif own and not gaps:
        parts.append("the planted bias of 3% is caught in each")
    return "; ".join([*parts, *gaps]) + "."
