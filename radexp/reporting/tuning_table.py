"""Trials of step size and L2 for people: text for a terminal, and a picture of the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from radexp.analysis.tuning import winners
from radexp.reporting.table import align

HEADS = ("estimator", "trial", "lr", "L2", "validation loss", "accuracy", "")
LABELS = {"lr": "step size lr", "weight_decay": "L2 coefficient"}
COLOURS = "viridis_r"  # bright is good


def as_text(table: pd.DataFrame) -> str:
    """Return the trials as aligned text, the best of each estimator first.

    Args:
        table: As ``radexp.analysis.tuning.trial_table`` returns it.
    """
    best = winners(table)
    lines: list[tuple[str, ...]] = [HEADS]
    for name, part in table.groupby("estimator", sort=False):
        for row in part.sort_values("validation_loss", kind="stable").to_dict("records"):
            wins = str(name) in best and row["trial"] == best[str(name)]["trial"]
            status = "" if row["status"] == "completed" else str(row["status"])
            lines.append(
                (
                    str(name),
                    str(row["trial"]),
                    f"{row['lr']:.4g}",
                    f"{row['weight_decay']:.4g}",
                    _or_dash(row["validation_loss"], ".4g"),
                    _or_dash(row["validation_accuracy"], ".2%"),
                    "best" if wins else status,
                )
            )
    return align(lines)


def write_figure(
    table: pd.DataFrame, ranges: Mapping[str, tuple[float, float]], file: IO[bytes]
) -> None:
    """Draw the validation loss over the plane of step size and L2, a panel for each estimator.

    Args:
        table: As ``radexp.analysis.tuning.trial_table`` returns it.
        ranges: Smallest and largest value of ``lr`` and ``weight_decay``.
        file: Open binary file that takes the PNG.
    """
    groups = list(table.groupby("estimator", sort=False))
    across = min(3, len(groups))
    down = -(-len(groups) // across)
    figure = Figure(figsize=(3.9 * across + 1.2, 3.5 * down + 0.3), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    norm, best = _norm(table["validation_loss"]), winners(table)
    for panel, (name, part) in zip(panels.flat, groups, strict=False):
        _draw(panel, part, norm, best.get(str(name)))
        panel.set_title(_title(str(name), best.get(str(name))), fontsize=10)
        for axis, key in ((panel.xaxis, "lr"), (panel.yaxis, "weight_decay")):
            axis.set_label_text(LABELS[key], fontsize=9)
        panel.set(xscale="log", yscale="log")
        panel.set(xlim=_limits(ranges["lr"]), ylim=_limits(ranges["weight_decay"]))
        panel.label_outer()
    for panel in panels.flat[len(groups) :]:
        panel.set_visible(False)
    colours = ScalarMappable(norm, COLOURS)
    figure.colorbar(colours, ax=panels, label="validation loss, nats per example")
    figure.savefig(file, dpi=130, format="png")


def _draw(panel: Axes, part: pd.DataFrame, norm: LogNorm, best: dict[str, Any] | None) -> None:
    """Draw one estimator's trials: points, crosses where there is no loss, a ring for the best."""
    finite = np.isfinite(part["validation_loss"].to_numpy())
    there, gone = part[finite], part[~finite]
    x, y = (there[key].to_numpy() for key in ("lr", "weight_decay"))
    colours = there["validation_loss"].to_numpy()
    panel.scatter(x, y, c=colours, cmap=COLOURS, norm=norm, s=45, edgecolors="#444444", lw=0.5)
    panel.scatter(gone["lr"], gone["weight_decay"], c="#D55E00", marker="x", s=40)
    if best is not None:
        (ring,) = panel.plot([best["lr"]], [best["weight_decay"]], "o", ms=13)
        ring.set(markerfacecolor="none", markeredgecolor="#D55E00", markeredgewidth=1.8)


def _norm(losses: pd.Series[float]) -> LogNorm:
    """Return the colour scale of the finite losses; of two sizes at least, as it must be."""
    finite = losses[np.isfinite(losses) & (losses > 0)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.1, 1.0)
    return LogNorm(low, high) if low < high else LogNorm(low / 1.1, high * 1.1)


def _limits(ends: tuple[float, float]) -> tuple[float, float]:
    """Widen a range by a twentieth on the log scale, or a single value to one."""
    low, high = ends
    margin = (high / low) ** 0.05 if low < high else 2.0
    return low / margin, high * margin


def _title(name: str, best: dict[str, Any] | None) -> str:
    loss = "no finite loss" if best is None else f"best {best['validation_loss']:.3g}"
    return f"{name}: {loss}"


def _or_dash(value: float, style: str) -> str:
    return "-" if math.isnan(value) else f"{value:{style}}"
