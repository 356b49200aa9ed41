"""Variance against depth as a picture: measured points on the derived curves."""

from __future__ import annotations

from typing import IO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radexp.analysis.depth_claims import LINE
from radexp.analysis.depth_rates import CURVES
from radexp.analysis.statistics import bootstrap_interval

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
PANELS = {
    ("graphs", "independent"): "independent paths, edges sampled",
    ("graphs", "interleaved"): "fully interleaved paths, edges sampled",
    ("networks", "inputs"): "ReLU networks, layer inputs sketched",
    ("networks", "everywhere"): "ReLU networks, injection at every Jacobian",
}
MARKERS = {"edges": "o", "rad": "o", "rad_shared": "s", "rad_project": "^"}
# Points of one depth side by side: shifts along the axis, in layers.
SHIFTS = {"edges": 0.0, "rad": -0.18, "rad_shared": 0.0, "rad_project": 0.18}


def write_depth_figure(rows: pd.DataFrame, file: IO[bytes]) -> None:
    """Draw the four panels of the study.

    Args:
        rows: As ``radexp.analysis.depth_claims.judge_depth`` reads them.
        file: Where the PNG goes.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True)
    for axes, ((study, arm), title) in zip(grid.flat, PANELS.items(), strict=True):
        part = rows[(rows["study"] == study) & (rows["arm"] == arm)]
        _draw_panel(axes, part, arm)
        axes.set_title(title, fontsize=11)
    for left, right in grid:  # the flat and the growing half of a claim on one scale
        values = [y for axes in (left, right) for line in axes.lines for y in line.get_ydata()]
        for axes in (left, right):
            if values:
                axes.set_ylim(min(values) / 1.5, max(values) * 8)  # room for the legend
        left.set_ylabel("relative variance")
    for axes in grid[-1]:
        axes.set_xlabel("depth (layers)")
    figure.supxlabel(
        "Lines: derived, nothing fitted. Points: measured, mean over seeds with its 95% bootstrap "
        "interval.",
        fontsize=8,
        color="#444444",
    )
    figure.savefig(file, format="png", dpi=110)


def _draw_panel(axes: Axes, rows: pd.DataFrame, arm: str) -> None:
    axes.set_yscale("log")
    fractions = sorted({k / w for k, w in zip(rows["kept"], rows["width"], strict=True)})
    colours = dict(zip(fractions, COLOURS * len(fractions), strict=False))
    handles = [
        Line2D([], [], color=colour, label=f"keep {fraction:.2g}")
        for fraction, colour in colours.items()
    ]
    sketches = list(dict.fromkeys(rows["sketch"]))
    if len(sketches) > 1:
        handles += [
            Line2D([], [], marker=MARKERS[name], label=name, color="#444444", linestyle="")
            for name in sketches
        ]
    for _, group in rows.groupby(LINE):
        width, kept = int(group["width"].iloc[0]), int(group["kept"].iloc[0])
        sketch, colour = str(group["sketch"].iloc[0]), colours[kept / width]
        depth = np.array(sorted(set(group["depth"])), dtype=np.float64)
        axes.plot(depth, CURVES[arm](depth, width, kept), color=colour, linewidth=1.3, zorder=1)
        points = [group.loc[group["depth"] == d, "variance"].tolist() for d in depth]
        intervals = [bootstrap_interval(values) for values in points]
        mean = np.array([interval.mean for interval in intervals])
        bars = [mean - [i.low for i in intervals], [i.high for i in intervals] - mean]
        place = depth + SHIFTS[sketch]
        axes.errorbar(
            place, mean, bars, fmt=MARKERS[sketch], color=colour, markersize=4, capsize=2, zorder=2
        )
    axes.legend(handles=handles, loc="upper left", fontsize=8, frameon=False, ncols=2)
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
