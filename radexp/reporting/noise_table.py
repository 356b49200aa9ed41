"""The table of gradient noise for people: text for a terminal, and a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable
from typing import IO, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radexp.analysis.noise_summary import WHOLE
from radexp.analysis.settings import NO_DATA
from radexp.reporting.arms import ARM_STYLES, OTHER_STYLES, plain
from radexp.reporting.figures import log_ticks
from radexp.reporting.table import TEXT_COLUMNS, align

MB = 1e6
HEADS = ("arm", "kept", "MB", "variance", "95%", "sketch", "batch", "z along", "z pair")
WHOLE_SET = "gradient G of the whole training set"
CONTROL = "exact gradient G of the control problem"
OF_BOTH, OF_ONE = " sketch and batch: its two parts.", " all of it is the sketch's."
NOTE = (
    "variance: E|e - G|^2 / |G|^2 of a gradient estimate e around the {exact}, with the 95% "
    "bootstrap interval over repetitions;{parts} z: two tests of bias, near 0 without any (beyond "
    "4 is a warning). MB = 10^6 bytes, parameters and what is held for the backward pass."
)


def as_text(table: pd.DataFrame, by_layer: bool) -> str:
    """Return the summary as aligned text, one block for each point of training.

    Args:
        table: As ``radexp.analysis.noise_summary.summarize`` returns it.
        by_layer: Show the layers too.
    """
    blocks = []
    for (model, data, iteration), rows in table.groupby(["model", "data", "iteration"], sort=False):
        lines: list[tuple[str, ...]] = [HEADS]
        for row in rows.to_dict("records"):
            if by_layer or row["layer"] == WHOLE:
                is_whole = row["layer"] == WHOLE
                lines.append(
                    (
                        str(row["estimator"]) if is_whole else f"  {row['layer']}",
                        _kept(row) if is_whole else "",
                        f"{row['bytes'] / MB:.4g}" if is_whole else "",
                        f"{row['variance']:.3g}",
                        f"[{row['low']:.3g}, {row['high']:.3g}]",
                        *(f"{row[f'{part}_variance']:.3g}" for part in ("sketch", "batch")),
                        *(f"{row[f'z_{kind}']:.1f}" for kind in ("along", "pair")),
                    )
                )
        blocks.append(f"{_network(model, data)} after {iteration} iterations\n{align(lines)}")
    return "\n\n".join([*blocks, *_notes(table)])


def compared_as_text(compared: pd.DataFrame) -> str:
    """Return the comparison with the small batch as aligned text; empty if there is none.

    Args:
        compared: As ``radexp.analysis.noise_summary.against_small_batch`` returns it.
    """
    if compared.empty:
        return ""
    lines: list[tuple[str, ...]] = [("rad / small batch", "keep", "variance", "95%", "rad has")]
    for row in compared.to_dict("records"):
        lines.append(
            (
                f"{row['model']}, {row['iteration']} iterations",
                f"{row['level']:.3g}",
                f"{row['ratio']:.3g}",
                f"[{row['low']:.3g}, {row['high']:.3g}]",
                str(row["verdict"]),
            )
        )
    return align(lines)


def write_figure(table: pd.DataFrame, file: IO[bytes]) -> None:
    """Draw variance against bytes, one panel for each point of training.

    Args:
        table: As ``radexp.analysis.noise_summary.summarize`` returns it.
        file: Open binary file that takes the PNG.
    """
    whole = table[table["layer"] == WHOLE]
    points = list(whole.groupby(["model", "data", "iteration"], sort=False))
    across = min(3, len(points))
    down = -(-len(points) // across)
    figure = Figure(figsize=(4.2 * across + 0.6, 3.4 * down + 0.5), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False)
    for panel, ((model, data, iteration), rows) in zip(panels.flat, points, strict=False):
        _draw(panel, rows)
        panel.set_title(plain(f"{_network(model, data)}, {iteration} iterations"), fontsize=10)
    for panel in panels.flat[len(points) :]:
        panel.set_visible(False)
    panels.flat[0].legend(fontsize=8)
    figure.savefig(file, dpi=130, format="png")


def _draw(panel: Axes, rows: pd.DataFrame) -> None:
    spare = iter(OTHER_STYLES * (1 + rows["estimator"].nunique()))
    for estimator, arms in rows.groupby("estimator", sort=False):
        color, line = ARM_STYLES.get(str(estimator)) or next(spare)
        arms = arms.sort_values("bytes")
        errors = arms[["low", "high"]].sub(arms["variance"], axis=0).abs().to_numpy().T
        x, y = arms["bytes"].to_numpy() / MB, arms["variance"].to_numpy()
        style: dict[str, Any] = {"color": color, "linestyle": line, "label": plain(str(estimator))}
        panel.errorbar(x, y, errors, marker="o", ms=4, lw=1.4, **style)
    panel.set_yscale("log")
    values = rows[["variance", "low", "high"]].to_numpy()
    values = values[np.isfinite(values) & (values > 0)]
    if len(values):
        log_ticks(panel, float(np.log10(values.max() / values.min())))
    panel.set_xlabel("parameters + held for the backward pass, MB", fontsize=8)
    panel.set_ylabel("variance / |gradient|$^2$", fontsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _network(model: object, data: object) -> str:
    """Name what a gradient is of; a control learns from no data."""
    return str(model) if data == NO_DATA else f"{model} on {data}"


def _notes(table: pd.DataFrame) -> list[str]:
    """Explain the columns, for networks and for controls as far as there are any."""
    controls = (table["data"] == NO_DATA).to_numpy()
    notes = [] if controls.all() else [NOTE.format(exact=WHOLE_SET, parts=OF_BOTH)]
    notes += [NOTE.format(exact=CONTROL, parts=OF_ONE)] if controls.any() else []
    return [textwrap.fill(note, TEXT_COLUMNS) for note in notes]


def _kept(row: dict[Hashable, Any]) -> str:
    """Say what an arm keeps; a control's batch is nothing that could be smaller."""
    if pd.notna(row["keep"]):
        return f"keep {row['keep']:.3g}"
    return "-" if row["data"] == NO_DATA else f"batch {row['batch_size']:.0f}"
