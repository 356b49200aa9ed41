"""What the report tabulates beside claims and final tables, as cells of text."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from radexp.analysis.depth_claims import CLAIMS, trends
from radexp.analysis.noise_summary import against_small_batch
from radexp.analysis.table1 import FRACTIONS, PAPER_MB, closed_form_bytes, paper_bytes
from radexp.errors import UsageError
from radexp.reporting.measurements import MeasuredTable
from radexp.reporting.memory_table import MB, PROBLEM, arm_name

TABLE_1_NOTE = (
    "MB = 10^6 bytes, parameters included. Printed: the paper's Table 1, calculated by hand. "
    "Closed form: its formula, with a ReLU's mask counted where the ReLU stands, as it must "
    "be kept. Measured: parameters plus bytes held for the backward pass; lean: our modules, "
    "which at fraction 1 are exact; stock: plain PyTorch, exact."
)
NOISE_NOTE = (
    "Mean squared error of rad's gradient over that of the small batch of the same bytes, with the "
    "95% bootstrap interval: below 1, RAD is less noisy. Columns: training iterations before."
)
BIAS_NOTE = (
    "slope: mean of <G, g> / <g, g> over draws, 1 without bias; z: scores of its deviation and of "
    "the largest entry's. Factor 1.03 is the planted bias of 3% that the test must catch."
)


class Grid(NamedTuple):
    """A table of text.

    Attributes:
        title: Its heading.
        heads: Names of its columns.
        rows: Its cells.
        note: How to read it.
    """

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str


def table_1(table: MeasuredTable) -> Grid:
    """Return Table 1 side by side: a row for each network and source, a column per fraction."""
    rows: list[tuple[str, ...]] = []
    cells = table.rows
    whole = cells[cells["batch_size"] == cells["whole_batch_size"]]
    fractions = sorted({*FRACTIONS, *whole["keep"]}, reverse=True)
    for _, group in whole.groupby(PROBLEM, sort=False):
        model, batch = str(group["model"].iloc[0]), int(group["whole_batch_size"].iloc[0])
        several = whole.loc[whole["model"] == model, "input"].nunique() > 1
        name = f"{model}, input {group['input'].iloc[0]}" if several else model
        sources: dict[str, dict[float, float | None]] = {}
        if model in PAPER_MB and group["paper_bytes"].notna().any():
            sources["printed"] = {f: paper_bytes(model, f) for f in fractions}
            sources["closed form, full masks"] = {
                f: closed_form_bytes(model, f, batch, full_masks=True) for f in fractions
            }
        for row in group.sort_values("lean", ascending=False, kind="stable").to_dict("records"):
            sources.setdefault(_source(row), {})[row["keep"]] = row["total_bytes"]
        for source, sizes in sources.items():
            cell = (_megabytes(sizes.get(fraction)) for fraction in fractions)
            rows.append((name, source, *cell))
    heads = ("network", "MB", *(f"{fraction:g}" for fraction in fractions))
    return Grid(f"Table 1, {table.study}", heads, rows, TABLE_1_NOTE)


def _source(row: dict[Hashable, Any]) -> str:
    """Name the row of Table 1 that a measured cell belongs to."""
    if row["estimator"] == "exact":
        return "measured, stock"
    if row["estimator"] in ("small_batch", "rad"):
        return "measured, lean"
    return f"measured, {arm_name(row)}"


def _megabytes(size: float | None) -> str:
    return "-" if size is None or pd.isna(size) else f"{size / MB:.2f}"


def noise_ratios(table: MeasuredTable) -> list[Grid]:
    """Return, for each network, the ratio to the small batch by kept fraction and by point."""
    compared = against_small_batch(table.rows)
    if compared.empty:
        return []
    grids = []
    for (model, data), group in compared.groupby(["model", "data"], sort=False):
        points = sorted(set(group["iteration"]))
        rows = []
        for level, line in group.groupby("level"):
            cells = {
                row["iteration"]: f"{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
                for row in line.to_dict("records")
            }
            rows.append((f"{level:.3g}", *(cells.get(point, "-") for point in points)))
        heads = ("keep", *(f"after {point:,}" for point in points))
        title = f"{model} on {data}: rad over small batch, {table.study}"
        grids.append(Grid(title, heads, rows, NOISE_NOTE))
    return grids


def depth_slopes(table: MeasuredTable) -> Grid | None:
    """Return the slopes that decide C9 and C10; None if the rows cannot be judged."""
    rows = []
    for claim, (study, _, _) in CLAIMS.items():
        try:
            lines = trends(table.rows[table.rows["study"] == study])
        except UsageError:
            return None
        rows += [
            (
                *(claim, line.arm, line.sketch, f"{line.fraction:.3g}", str(line.slope)),
                *(f"{line.derived:.3g}", str(line.slope.n), line.verdict),
            )
            for line in lines
        ]
    heads = ("claim", "arm", "sketch", "keep", "slope per layer [95% t]", "derived", "n", "verdict")
    return Grid(f"Slopes of log variance, {table.study}", heads, rows, "")


def bias_scores(table: MeasuredTable) -> Grid:
    """Return the scores of unbiasedness."""
    heads = (
        "network",
        "data",
        "estimator",
        "keep",
        "factor",
        "draws",
        "slope",
        "z slope",
        "z entry",
    )
    rows = [
        (
            *(str(row["model"]), str(row["data"]), str(row["estimator"]), _three(row["keep"])),
            *(f"{row['factor']:g}", f"{row['draws']:,}", f"{row['slope']:.4f}"),
            *(_three(row["z_slope"]), _three(row["z_entry"])),
        )
        for row in table.rows.to_dict("records")
    ]
    return Grid(f"Unbiasedness, {table.study}", heads, rows, BIAS_NOTE)


def _three(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.3g}"
