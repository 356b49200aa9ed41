"""One panel that reads on a phone: training loss against iterations, arms by their bytes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from radexp.analysis.curves import run_curves
from radexp.analysis.settings import NO_DATA, Setting
from radexp.reporting.arms import group_arms, plain
from radexp.reporting.figures import draw_panel, fit_scale, short


def draw_loss(setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Draw the training loss of one setting against iterations.

    Args:
        setting: What was run.
        runs: Its runs, with labels, as ``by_setting`` gives them.
        curves: Tidy curves that cover them.
    """
    figure = Figure(figsize=(6.0, 4.8), layout="constrained")
    axes = figure.subplots()
    found = run_curves(curves[curves["run"].isin(runs["run"])], "train", "log_loss")
    draw_panel(axes, group_arms(runs), found, "iterations", "log_loss")
    if found:
        fit_scale(axes, found, runs, "log_loss")
    axes.set_xlabel("iterations", fontsize=12)
    axes.set_ylabel("training loss", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.xaxis.set_major_formatter(FuncFormatter(short))
    network = setting.title.partition(": ")[2].partition(" on ")[0].split(",")[0]
    data = f" on {setting.data}" if setting.data != NO_DATA else ""
    axes.set_title(plain(f"{network}{data}"[:80]), fontsize=12)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = 2 if max(map(len, labels)) < 40 else 1
        figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, fontsize=11, frameon=False
        )
    return figure


def most_complete(
    settings: Sequence[tuple[Setting, pd.DataFrame]],
) -> tuple[Setting, pd.DataFrame] | None:
    """Return the fully connected network's study at equal memory that has the most to show.

    It has RAD and the small batch; the published protocol comes first, then more arms, then
    more completed runs.
    """
    rivals = {"rad", "small_batch"}
    chosen = [
        (setting, runs)
        for setting, runs in settings
        if setting.model == "mlp" and rivals <= set(runs.loc[runs["status"] == "completed", "arm"])
    ]
    return max(
        chosen,
        key=lambda item: (
            item[0].published,
            item[1]["arm"].nunique(),
            int((item[1]["status"] == "completed").sum()),
        ),
        default=None,
    )
