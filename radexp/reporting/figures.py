"""Convergence curves as figures: one line for each arm, one panel for each quantity and axis."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from radexp.analysis.curves import Axis, Curve, Quantity, run_curves, seed_band
from radexp.analysis.settings import NO_DATA, Setting
from radexp.reporting.arms import ArmRuns, group_arms, plain

AXIS_LABELS: dict[Axis, str] = {
    "iterations": "iterations",
    "examples": "examples seen",
    "seconds": "training seconds",
}
CAPTION = (
    "Lines: mean over completed seeds (of the log loss in the loss panels). Bands: smallest to "
    "largest seed. n: completed seeds.\nMB: parameters plus bytes held for the backward pass. "
    "Thin lines ending in a cross: runs that diverged or did not complete."
)


class Panel(NamedTuple):
    """One row of panels."""

    split: str
    quantity: Quantity
    label: str


PANELS = (
    Panel("train", "log_loss", "training loss"),
    Panel("test", "log_loss", "test loss"),
    Panel("test", "accuracy", "test accuracy"),
)


def draw(setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Draw training loss, test loss and test accuracy of one setting, where they exist.

    Args:
        setting: What was run.
        runs: Its runs, with labels, as ``by_setting`` gives them.
        curves: Tidy curves that cover them.

    Returns:
        Panels of each quantity against iterations, examples seen and training seconds.
    """
    arms = group_arms(runs)
    own = curves[curves["run"].isin(runs["run"])]
    rows = [(panel, run_curves(own, panel.split, panel.quantity)) for panel in PANELS]
    rows = [(panel, found) for panel, found in rows if found]
    figure = Figure(
        figsize=(12, 1.6 + (2.7 * len(rows) if len(rows) > 1 else 4.0)), layout="constrained"
    )
    if not rows:
        axes = figure.subplots()
        axes.text(0.5, 0.5, "no evaluations yet", ha="center", va="center")
        axes.set_axis_off()
        return figure
    # A control learns from no data: an iteration is an example.
    shown = {
        a: text for a, text in AXIS_LABELS.items() if a != "examples" or setting.data != NO_DATA
    }
    grid = figure.subplots(len(rows), len(shown), sharex="col", sharey="row", squeeze=False)
    for panels, (panel, found) in zip(grid, rows, strict=True):
        for axes, axis in zip(panels, shown, strict=True):
            draw_panel(axes, arms, found, axis, panel.quantity)
        panels[0].set_ylabel(panel.label)
        fit_scale(panels[0], found, runs, panel.quantity)
    for axes, label in zip(grid[-1], shown.values(), strict=True):
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter(FuncFormatter(short))
    figure.align_ylabels(grid[:, 0])
    _legend(figure, grid[0][0], plain(setting.title[:110]))
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write STEM.png and STEM.pdf, the same bytes for the same figure; return both paths."""
    png, pdf = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".pdf")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once: it is most of the time of writing
    figure.savefig(png, dpi=130)
    figure.savefig(pdf, metadata={"CreationDate": None})
    return [png, pdf]


def as_data_uri(png: Path) -> str:
    """Return a PNG file inside a data URI, for a page without other files."""
    return "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode("ascii")


def draw_panel(
    axes: Axes, arms: Sequence[ArmRuns], found: dict[str, Curve], axis: Axis, quantity: Quantity
) -> None:
    """Draw every arm in one panel."""
    undo = np.exp if quantity == "log_loss" else np.asarray
    for arm in arms:
        style: dict[str, Any] = {"color": arm.colour, "linestyle": arm.line}
        whole = [found[run] for run in arm.completed if run in found]
        if whole:
            band = seed_band(whole, axis)
            axes.plot(band.x, undo(band.mean), linewidth=1.8, label=arm.legend, **style)
            if len(whole) > 1:
                low, high = undo(band.low), undo(band.high)
                axes.fill_between(band.x, low, high, color=arm.colour, alpha=0.15, linewidth=0)
        parts = [found[run] for run in arm.others if run in found]
        for position, curve in enumerate(parts):
            label = arm.legend if position == 0 and not whole else None
            seen = np.isfinite(curve.values)
            x, y = curve.along(axis)[seen], undo(curve.values[seen])
            axes.plot(x, y, linewidth=0.8, marker="x", markevery=[-1], label=label, **style)
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.02)


def fit_scale(axes: Axes, found: dict[str, Curve], runs: pd.DataFrame, quantity: Quantity) -> None:
    """Fit the shared vertical axis to the completed runs, so that none diverged squashes them."""
    done = runs.loc[runs["status"] == "completed", "run"]
    chosen = [found[run] for run in done if run in found] or list(found.values())
    values = np.concatenate([curve.values for curve in chosen])
    values = values[np.isfinite(values)]
    if quantity == "accuracy" or not len(values):
        return
    low, high = float(values.min()), float(values.max())
    margin = max(0.05 * (high - low), 0.05)
    axes.set_yscale("log")
    axes.set_ylim(np.exp(low - margin), np.exp(min(high + margin, 700.0)))
    log_ticks(axes, (high - low) / np.log(10))


def log_ticks(axes: Axes, decades: float) -> None:
    """Label enough ticks whatever the range: a fraction of a decade or many."""
    if decades < 0.35:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    else:
        choices = ((1.1, (1.0, 2.0, 3.0, 5.0, 7.0)), (2.5, (1.0, 2.0, 5.0)), (math.inf, (1.0,)))
        subs = next(subs for limit, subs in choices if decades < limit)
        axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def short(value: float, _position: int | None) -> str:
    """Write 20000 as 20k and 3000000 as 3M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _legend(figure: Figure, axes: Axes, title: str) -> None:
    """Put one legend above all panels and the caption below them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=max(1, min(3, len(labels), 130 // max(map(len, labels), default=1))),
        title=title,
        title_fontproperties={"weight": "bold", "size": 12},
        frameon=False,
        handlelength=3,
    )
    figure.supxlabel(CAPTION, fontsize=8, color="#444444")
