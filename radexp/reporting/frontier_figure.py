"""The frontier as a picture: added noise, and iterations to the same loss, against bytes held."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from radexp.analysis.frontier import (
    EXACT_RIVALS,
    NO_NOISE,
    POINT,
    least_noise,
    summarize_frontier,
)
from radexp.analysis.frontier_training import BASELINE
from radexp.analysis.noise_summary import WHOLE
from radexp.reporting.arms import ARM_STYLES, plain

STYLES = {
    **ARM_STYLES,
    "rad_rows": ("#56B4E9", ":"),
    "hybrid": ("#8C510A", "--"),
    "importance": ("#CC79A7", "-"),
    "rounding": ("#332288", "-"),
    "auto": ("#C8102E", "--"),
    "accumulate": ("#7F7F7F", ":"),
    "checkpoint": ("#7F7F7F", "--"),
}
LIMITS = {
    False: ("limit, if entries were Gaussian", (0, (1, 1))),
    True: ("limit, if half were 0 and known", (0, (5, 1, 1, 1))),
}
FLOOR = "bits of ReLUs, and the loss"
GREY = "#999999"
MOST_NOISE = 1e30  # what lies above is damage, and breaks an axis


def write_frontier_figure(rows: pd.DataFrame, file: IO[bytes]) -> None:
    """Draw the noise that each estimator adds against its bytes, a panel for each point.

    Args:
        rows: Of ``frontier.csv``.
        file: Where the PNG goes.
    """
    table = summarize_frontier(rows)
    points = list(table.groupby(POINT))
    across = min(3, len(points))
    down = -(-len(points) // across)
    figure = Figure(figsize=(max(6.0, 4.4 * across + 0.6), 3.9 * down + 1.0), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False)
    for panel, ((model, data, iteration), part) in zip(panels.flat, points, strict=False):
        draw_noise(panel, part)
        panel.set_title(plain(f"{model} on {data}, {iteration:,} iterations"), fontsize=10)
    for panel in panels.flat[len(points) :]:
        panel.set_visible(False)
    legend_of(figure, panels.flat)
    figure.savefig(file, format="png", dpi=130)


def draw_noise(axes: Axes, table: pd.DataFrame) -> None:
    """Draw one point of training.

    Args:
        axes: Where to.
        table: Its rows of ``summarize_frontier``.
    """
    whole = table[table["layer"] == WHOLE]
    noisy = whole[~whole["estimator"].isin(EXACT_RIVALS) & (whole["share"] > 0)]
    noisy = noisy[noisy["added"].between(NO_NOISE, MOST_NOISE) & np.isfinite(noisy["share"])]
    if noisy.empty:
        axes.text(0.5, 0.5, "no noise to draw", ha="center", va="center")
        return
    for name, group in noisy.groupby("estimator", sort=True):
        group = group.sort_values("share").drop_duplicates("share")
        axes.plot(group["share"], group["added"], marker="o", ms=3.5, **_style(str(name)))
        low, high = group["low"].clip(lower=NO_NOISE), group["high"].clip(upper=MOST_NOISE)
        axes.fill_between(group["share"], low, high, **_band(str(name)))
    axes.set_yscale("log")
    least, lowest = float(noisy["added"].min()) / 3, float(noisy["share"].min())
    floor = float((table["floor_bytes"] / table["exact_bytes"]).iloc[0])
    if 0 < floor < 1:
        shares = np.geomspace(floor * 1.001, 1.0, 200).astype(np.float64)
        for zeros_known, (label, line) in LIMITS.items():
            limit = least_noise(table, shares, zeros_known)
            shown = limit > least
            axes.plot(shares[shown], limit[shown], color="black", lw=1, ls=line, label=label)
        axes.axvline(floor, color=GREY, lw=1, label=FLOOR)
        lowest = min(lowest, floor)
    axes.axhline(1.0, color=GREY, lw=0.6, ls=":")
    axes.set_ylim(bottom=least)
    _share_axis(axes, lowest / 1.3, 1.15 * max(1.0, float(noisy["share"].max())))
    axes.set_ylabel("noise added / the batch's own", fontsize=9)


def write_slowdowns(table: pd.DataFrame, file: IO[bytes]) -> None:
    """Draw the iterations to the same loss against the bytes held, a panel for each setting.

    Args:
        table: As ``radexp.analysis.frontier_training.slowdowns`` returns it, with an arm besides
            the baseline.
        file: Where the PNG goes.
    """
    settings = [part for _, part in table.groupby("setting", sort=False) if has_rivals(part)]
    figure = Figure(figsize=(max(6.0, 4.4 * len(settings) + 0.6), 4.6), layout="constrained")
    panels = figure.subplots(1, len(settings), squeeze=False)[0]
    for panel, part in zip(panels, settings, strict=True):
        draw_slowdowns(panel, part)
        first = part.iloc[0]
        panel.set_title(plain(f"{first['model']} on {first['data']}"), fontsize=10)
    legend_of(figure, panels)
    figure.savefig(file, format="png", dpi=130)


def has_rivals(table: pd.DataFrame) -> bool:
    """Tell whether there is an arm besides the baseline."""
    return bool((table["arm"] != BASELINE).any())


def draw_slowdowns(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the iterations to the same loss against the bytes held, for one setting.

    Args:
        axes: Where to.
        table: Rows of one setting of ``radexp.analysis.frontier_training.slowdowns``.
    """
    finite = table["iterations"] < math.inf
    top = 1.25 * max([2.0, *table.loc[finite, "high"].replace(math.inf, 1.0)])
    others = table[table["arm"] != BASELINE]
    for name, group in others.groupby("arm", sort=True):
        group = group.sort_values("share")
        ratios = group["iterations"].clip(upper=top)
        axes.plot(group["share"], ratios, marker="o", ms=3.5, **_style(str(name)))
        reached = group[np.isfinite(group["iterations"])]
        axes.fill_between(reached["share"], reached["low"], reached["high"], **_band(str(name)))
        never = group[~np.isfinite(group["iterations"])]
        colour = _style(str(name))["color"]
        axes.plot(never["share"], [top] * len(never), "x", color=colour)
    axes.axhline(1.0, color="black", lw=1)
    axes.set_yscale("log")
    lows = [0.9, *others["iterations"], *others["low"].dropna()]
    axes.set_ylim(min(lows) * 0.97, top * 1.05)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _share_axis(axes, float(others["share"].min()) / 1.2, float(others["share"].max()) * 1.2)
    axes.set_ylabel("iterations to the same loss / exact's", fontsize=9)


def legend_of(figure: Figure, panels: Iterable[Axes]) -> None:
    """Put one legend of all panels below them."""
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries = {**dict(zip(labels, handles, strict=True)), **entries}
    last = [*(label for label, _ in LIMITS.values()), FLOOR]
    names = sorted(entries, key=lambda name: (name in last, name))
    figure.legend(
        [entries[name] for name in names],
        names,
        loc="outside lower center",
        ncols=int(figure.get_figwidth() / 1.9),
        fontsize=8,
        frameon=False,
    )


def _share_axis(axes: Axes, lowest: float, highest: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(lowest, highest)
    subs = (1.0, 2.0, 5.0) if highest > 10 * lowest else (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("held for the backward pass, of the stock step's bytes", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _style(name: str) -> dict[str, Any]:
    colour, line = STYLES.get(name, (GREY, "-"))
    return {"color": colour, "linestyle": line, "lw": 1.5, "label": plain(name)}


def _band(name: str) -> dict[str, Any]:
    return {"color": STYLES.get(name, (GREY, "-"))[0], "alpha": 0.15, "linewidth": 0}
