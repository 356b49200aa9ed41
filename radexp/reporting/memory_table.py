"""The memory table for people: text for a terminal, and a picture."""

from __future__ import annotations

from typing import IO, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radexp.reporting.arms import plain
from radexp.reporting.table import align

MB = 1e6
HEADS = ("network", "keep", "paper", "closed form", "full masks", "measured", "= pred.", "peak")
NOTE = (
    "MB = 10^6 bytes, parameters included. closed form: the paper's; full masks: with a ReLU's "
    "mask counted\nwhere the ReLU stands, as it must be kept. measured: parameters + bytes held "
    "for the backward pass,\n= pred.: whether prediction and measurement agree to the byte. peak: "
    "of the whole step, with gradients,\noptimizer state and workspace; in brackets against the "
    "stock step."
)
# From the largest to the smallest part of a step's peak, bottom to top of a bar.
PARTS = {
    "saved": "#0072B2",
    "workspace": "#E69F00",
    "batch": "#56B4E9",
    "optimizer": "#CC79A7",
    "gradients": "#009E73",
    "parameters": "#7F7F7F",
}
PROBLEM = ["model", "sizes", "input", "whole_batch_size"]


def as_text(table: pd.DataFrame) -> str:
    """Return the table as aligned text, one row for each cell."""
    rows: list[tuple[str, ...]] = [HEADS]
    several = table["sizes"].nunique() > table["model"].nunique()
    for row in table.to_dict("records"):
        same = row["predicted_saved_bytes"] == row["measured_saved_bytes"]
        rows.append(
            (
                f"{row['model']} {row['sizes'] + ' ' if several else ''}{arm_name(row)}",
                f"{row['keep']:.4g}",
                *(_mb(row.get(f"{name}_bytes")) for name in ("paper", "closed_form")),
                _mb(row.get("closed_form_full_masks_bytes")),
                _mb(row["total_bytes"]),
                "yes" if same else "NO",
                f"{row['peak_total_bytes'] / MB:.2f}{_against_stock(table, row)}",
            )
        )
    return f"{align(rows)}\n\n{NOTE}"


def layers_as_text(table: pd.DataFrame, layers: pd.DataFrame) -> str:
    """Return what each layer keeps as aligned text, one block for each cell of the table."""
    blocks = []
    cells = table.to_dict("index")
    for cell, group in layers.groupby(level="cell"):
        of = cells[cell]
        title = f"{of['model']} {of['sizes']}, input {of['input']}, {arm_name(of)}"
        blocks.append(f"\n{title}, keep {of['keep']:.4g}, batch {of['batch_size']}: bytes held")
        rows: list[tuple[str, ...]] = [("layer", "kind", "predicted", "measured")]
        for row in group.to_dict("records"):
            sizes = (f"{row[f'{how}_saved_bytes']:,}" for how in ("predicted", "measured"))
            rows.append((str(row["layer"]), str(row["kind"]), *sizes))
        blocks.append(align(rows))
    return "\n".join(blocks)


def arm_name(row: dict[Any, Any]) -> str:
    """Name a cell's arm; the small batch at the whole batch is the exact step, lean."""
    if row["estimator"] == "small_batch":
        whole = row["batch_size"] == row["whole_batch_size"]
        lean = "lean" if row["lean"] else "stock"
        return f"exact, {lean}" if whole else f"batch {row['batch_size']}, {lean}"
    return "exact, stock" if row["estimator"] == "exact" else str(row["estimator"])


def write_figure(table: pd.DataFrame, file: IO[bytes]) -> None:
    """Draw, for each network, Table 1's quantity (left) and the step's peak by part (right).

    Args:
        table: One row for each cell.
        file: Open binary file that takes the PNG.
    """
    problems = [rows for _, rows in table.groupby(PROBLEM, sort=False)]
    figure = Figure(figsize=(11, 0.9 + 3.1 * len(problems)), layout="constrained")
    axes = figure.subplots(len(problems), 2, squeeze=False)
    for (left, right), problem in zip(axes, problems, strict=True):
        rows = problem.reset_index(drop=True)
        _draw_totals(left, rows, rows["model"][0])
        _draw_peaks(right, rows, rows["model"][0])
    axes[0][0].legend(fontsize=8)
    axes[0][1].legend(fontsize=8)
    figure.savefig(file, dpi=130, format="png")


def _draw_totals(axes: Axes, rows: pd.DataFrame, model: str) -> None:
    places = range(len(rows))
    axes.bar(places, rows["total_bytes"] / MB, color="#0072B2", width=0.6, label="measured")
    for column, mark, label in (
        ("closed_form_full_masks_bytes", "_", "closed form, full masks"),
        ("paper_bytes", "x", "paper, as printed"),
    ):
        if column in rows:
            axes.plot(places, rows[column] / MB, mark, color="#D55E00", ms=11, mew=2, label=label)
    axes.set_title(plain(f"{model}: parameters + held for the backward pass"))
    _finish(axes, rows)


def _draw_peaks(axes: Axes, rows: pd.DataFrame, model: str) -> None:
    bottom = pd.Series(0.0, index=rows.index)
    for part, color in PARTS.items():
        sizes = rows[f"peak_{part}_bytes"] / MB
        axes.bar(range(len(rows)), sizes, bottom=bottom, color=color, width=0.6, label=part)
        bottom += sizes
    axes.set_title(plain(f"{model}: the whole step's peak, by part"))
    _finish(axes, rows)


def _finish(axes: Axes, rows: pd.DataFrame) -> None:
    names = [plain(f"{arm_name(row)}\n{row['keep']:.3g}") for row in rows.to_dict("records")]
    axes.set_xticks(range(len(rows)), names, fontsize=7)
    axes.set_ylabel("MB = 10^6 bytes")
    axes.spines[["top", "right"]].set_visible(False)


def _against_stock(table: pd.DataFrame, row: dict[Any, Any]) -> str:
    """Return a peak as a part of the stock step's of the same network, if that was measured."""
    same = (table[PROBLEM] == pd.Series({key: row[key] for key in PROBLEM})).all(axis=1)
    stock = table[same & (table["estimator"] == "exact")]
    if len(stock) != 1 or row["estimator"] == "exact":
        return ""
    return f" ({row['peak_total_bytes'] / stock['peak_total_bytes'].iloc[0]:.2f})"


def _mb(size: float | None) -> str:
    return "-" if size is None or pd.isna(size) else f"{size / MB:.2f}"
