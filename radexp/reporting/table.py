"""The final table: one row for each arm, as numbers, as text for a terminal, and as HTML."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from radexp.analysis.comparison import JUDGED
from radexp.analysis.settings import NO_DATA, by_setting
from radexp.analysis.statistics import bootstrap_interval

TEXT_COLUMNS = 100
FINALS = {
    "train_loss": "final_train_loss",
    "test_loss": "final_test_loss",
    "test_accuracy": "final_test_accuracy",
}
RESULT_HEADS = ("arm", "n", "train loss", "test loss", "test accuracy %")
COST_HEADS = ("arm", "n", "kept", "memory MB", "peak MB", "step ms", "diverged")
NOTES = (
    "n: completed and diverged runs; a diverged run has infinite loss. Brackets: 95% bootstrap "
    "interval of the mean.",
    "memory: parameters + bytes held for the backward pass, measured; peak: whole step; "
    "MB = 10^6 bytes.",
)


def final_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Summarize the judged runs of each arm.

    Args:
        runs: Run table of ``radexp.reporting.records``.

    Returns:
        One row for each setting and arm (arms whose runs all failed included, with n = 0).
        Bytes, seconds and fractions; ``*_low`` and ``*_high`` bound the 95% bootstrap interval,
        NaN for n = 1. Means are over all judged runs: an unknown value of one makes them NaN.
    """
    rows = []
    for setting, members in by_setting(runs):
        for label, group in members.groupby("label", sort=False):
            rows.append({"setting": setting.title, "arm": label, **_arm(group)})
    return pd.DataFrame(rows)


def memory_bytes(group: pd.DataFrame) -> float:
    """Return the largest parameters plus saved bytes, measured, of some runs; NaN if unknown."""
    return float((group["parameter_bytes"] + group["measured_saved_bytes"]).max())


def as_text(table: pd.DataFrame) -> str:
    """Return aligned plain text of at most 100 columns: results, then costs, for each setting.

    Empty if the table is.
    """
    if table.empty:
        return ""
    blocks = []
    for setting, rows in table.groupby("setting", sort=False):
        cells = [_cells(row) for row in rows.to_dict("records")]
        blocks.append(str(setting)[:TEXT_COLUMNS])
        blocks.append(align([RESULT_HEADS, *_pick(cells, RESULT_HEADS)]))
        blocks.append(align([COST_HEADS, *_pick(cells, COST_HEADS)]))
    return (
        "\n\n".join([*blocks, "\n".join(textwrap.fill(note, TEXT_COLUMNS) for note in NOTES)])
        + "\n"
    )


def as_html(table: pd.DataFrame) -> str:
    """Return HTML tables, all text escaped, one for each setting."""
    heads = (*RESULT_HEADS, *COST_HEADS[2:])
    parts = []
    for setting, rows in table.groupby("setting", sort=False):
        cells = [_cells(row) for row in rows.to_dict("records")]
        parts.append(f"<h3>{escape(str(setting))}</h3>")
        parts.append(html_table(heads, _pick(cells, heads)))
    notes = "".join(f"<p class='note'>{escape(note)}</p>" for note in NOTES)
    return "\n".join([*parts, notes])


def short_rows(rows: pd.DataFrame, heads: Sequence[str]) -> list[tuple[str, ...]]:
    """Return some columns of one setting's rows, as the text table writes them."""
    return _pick([_cells(row) for row in rows.to_dict("records")], heads)


def html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return one HTML table that scrolls sideways on a narrow screen, all text escaped."""
    head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>\n" for row in rows
    )
    return (
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table></div>"
    )


def _arm(group: pd.DataFrame) -> dict[str, Any]:
    """Summarize the runs of one arm."""
    judged = group[group["status"].isin(JUDGED)]
    row: dict[str, Any] = {
        "n": len(judged),
        "diverged": int((judged["status"] == "diverged").sum()),
        "other_runs": len(group) - len(judged),
        "keep": group["keep"].max(),
        "bits": group["bits"].max(),
        # A control has no examples: its batch of one loss is nothing that could be kept.
        "batch_size": group["batch_size"].mask(group["data"] == NO_DATA).max(),
        "micro_batch": group["micro_batch"].max(),
        "memory_bytes": memory_bytes(group),
        "peak_bytes": group["measured_peak_bytes"].max(),
        "step_seconds": group["step_seconds"].dropna().median(),
    }
    for name, column in FINALS.items():
        values = judged[column]
        if "loss" in name:
            values = values.mask(judged["status"] == "diverged", np.inf)
        row |= _summary(name, list(values))
    return row


def _summary(name: str, values: list[float]) -> dict[str, float]:
    """Return a mean and its interval; unknown unless every run has a value."""
    bounds = (math.nan,) * 3
    if values and not any(math.isnan(value) for value in values):
        interval = bootstrap_interval(values)
        bounds = (interval.mean, interval.low, interval.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), bounds, strict=True))


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    """Write one row for people."""
    kept = [f"keep {row['keep']:.3g}"] if pd.notna(row["keep"]) else []
    kept += [f"{row['bits']:.0f} bits"] if pd.notna(row["bits"]) else []
    whole = _batch(row["batch_size"])
    whole += "" if pd.isna(row["micro_batch"]) else f" in {row['micro_batch']:.0f}s"
    return {
        "arm": str(row["arm"]),
        "n": str(row["n"]),
        "kept": ", ".join(kept) or whole,
        "memory MB": _number(row["memory_bytes"] / 1e6),
        "peak MB": _number(row["peak_bytes"] / 1e6),
        "step ms": _number(row["step_seconds"] * 1e3),
        "diverged": str(row["diverged"]),
        "train loss": _with_interval(row, "train_loss"),
        "test loss": _with_interval(row, "test_loss"),
        "test accuracy %": _with_interval(row, "test_accuracy", 100.0),
    }


def _with_interval(row: dict[Any, Any], name: str, scale: float = 1.0) -> str:
    mean, low, high = (row[name + end] * scale for end in ("", "_low", "_high"))
    if math.isnan(mean):
        return "-"
    bounds = f"{low:.3g}, {high:.3g}" if not math.isnan(low) else "no interval"
    return f"{mean:.3g} [{bounds}]"


def _batch(size: float) -> str:
    return "-" if math.isnan(size) else f"batch {size:.0f}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"


def _pick(cells: list[dict[str, str]], heads: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(row[head] for head in heads) for row in cells]


def align(rows: Sequence[Sequence[str]]) -> str:
    """Pad cells to columns two spaces apart; the first column gives way beyond 100 columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    widths[0] = min(widths[0], TEXT_COLUMNS - sum(widths[1:]) - 2 * (len(widths) - 1))
    lines = []
    for first, *rest in rows:
        name = first if len(first) <= widths[0] else first[: widths[0] - 1] + "…"
        padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *padded]))
    return "\n".join(lines)
