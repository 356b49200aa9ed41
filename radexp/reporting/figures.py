"""Convergence curves as figures: one line for each arm, one panel for each quantity and axis."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from radexp.analysis.curves import Axis, Curve, Quantity, run_curves, seed_band
from radexp.analysis.settings import Setting
from radexp.reporting.table import memory_bytes

# Okabe and Ito's colours, told apart by colour-blind readers; line styles say it once more.
ARM_STYLES: dict[str, tuple[str, str]] = {
    "exact": ("#000000", "-"),
    "small_batch": ("#E69F00", "--"),
    "rad": ("#0072B2", "-"),
    "rad_shared": ("#D55E00", "-."),
    "rad_project": ("#009E73", ":"),
}
OTHER_COLOURS = ("#CC79A7", "#56B4E9", "#7F7F7F", "#8C510A", "#332288")
LINES = ("-", "--", "-.", ":")
# Twenty that differ: four lines against five colours meet again only after all of them.
OTHER_STYLES = tuple((OTHER_COLOURS[i % 5], LINES[i % 4]) for i in range(20))
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


@dataclass(frozen=True)
class ArmRuns:
    """The runs behind one line: those completed and the others, with its legend and style."""

    completed: list[str]
    others: list[str]
    legend: str
    colour: str
    line: str


def draw(setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Draw training loss, test loss and test accuracy of one setting, where they exist.

    Args:
        setting: What was run.
        runs: Its runs, with labels, as ``by_setting`` gives them.
        curves: Tidy curves that cover them.

    Returns:
        Panels of each quantity against iterations, examples seen and training seconds.
    """
    arms = _arms(runs)
    own = curves[curves["run"].isin(runs["run"])]
    rows = [(panel, run_curves(own, panel.split, panel.quantity)) for panel in PANELS]
    rows = [(panel, found) for panel, found in rows if found]
    figure = Figure(figsize=(12, 1.6 + 2.7 * max(1, len(rows))), layout="constrained")
    if not rows:
        axes = figure.subplots()
        axes.text(0.5, 0.5, "no evaluations yet", ha="center", va="center")
        axes.set_axis_off()
        return figure
    grid = figure.subplots(len(rows), 3, sharex="col", sharey="row", squeeze=False)
    for panels, (panel, found) in zip(grid, rows, strict=True):
        for axes, axis in zip(panels, AXIS_LABELS, strict=True):
            _draw_panel(axes, arms, found, axis, panel.quantity)
        panels[0].set_ylabel(panel.label)
        _scale(panels[0], found, runs, panel.quantity)
    for axes, label in zip(grid[-1], AXIS_LABELS.values(), strict=True):
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
    figure.align_ylabels(grid[:, 0])
    _legend(figure, grid[0][0], _plain(setting.title[:110]))
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


def _arms(runs: pd.DataFrame) -> list[ArmRuns]:
    """Group runs by label; a label that is a known arm's name has that arm's fixed style."""
    spare = iter(OTHER_STYLES * (1 + runs["label"].nunique()))
    arms = []
    for label in _ordered(runs["label"].unique()):
        group = runs[runs["label"] == label]
        done = group["status"] == "completed"
        colour, line = ARM_STYLES.get(label) or next(spare)
        arms.append(
            ArmRuns(
                completed=list(group.loc[done, "run"]),
                others=list(group.loc[~done, "run"]),
                legend=_legend_text(label, group, int(done.sum())),
                colour=colour,
                line=line,
            )
        )
    return arms


def _ordered(labels: Iterable[str]) -> list[str]:
    """Put known arms first, in their fixed order."""
    known = list(ARM_STYLES)
    return sorted(labels, key=lambda v: (known.index(v) if v in known else len(known), v))


def _legend_text(label: str, group: pd.DataFrame, completed: int) -> str:
    """Name an arm with its bytes and its number of runs."""
    size = memory_bytes(group)
    parts = [label, f"{size / 1e6:.3g} MB" if np.isfinite(size) else "", f"n={completed}"]
    counts = group.loc[group["status"] != "completed", "status"].value_counts()
    parts += [f"{count} {str(status).replace('_', ' ')}" for status, count in counts.items()]
    return _plain(", ".join(part[:80] for part in parts if part))


def _draw_panel(
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


def _scale(axes: Axes, found: dict[str, Curve], runs: pd.DataFrame, quantity: Quantity) -> None:
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
    _log_ticks(axes, (high - low) / np.log(10))


def _log_ticks(axes: Axes, decades: float) -> None:
    """Label enough ticks whatever the range: a fraction of a decade or many."""
    if decades < 0.35:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    else:
        choices = ((1.1, (1.0, 2.0, 3.0, 5.0, 7.0)), (2.5, (1.0, 2.0, 5.0)), (math.inf, (1.0,)))
        subs = next(subs for limit, subs in choices if decades < limit)
        axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _short(value: float, _position: int | None) -> str:
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


def _plain(text: str) -> str:
    """Keep matplotlib from reading a name as mathematics."""
    return text.replace("$", r"\$")
