"""All pictures of a report: drawn, saved, and said which of the paper's figures they answer to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd

from radexp.analysis.frontier_training import of_frontier, slowdowns
from radexp.analysis.noise_summary import ARM, KEPT, WHOLE, summarize
from radexp.analysis.settings import NO_DATA, Setting, by_setting
from radexp.reporting import memory_table, noise_table
from radexp.reporting.depth_figure import write_depth_figure
from radexp.reporting.figures import CAPTION, draw, save
from radexp.reporting.frontier_figure import (
    has_rivals,
    write_frontier_figure,
    write_slowdowns,
)
from radexp.reporting.loss_figure import draw_loss, most_complete
from radexp.reporting.measurements import Measurements
from radexp.reporting.paper_claims import PAPER_FIGURES
from radexp.reporting.records import Records

# What an earlier report may have left; others' pictures of these kinds stay where no report was.
CURVES = re.compile(r"curves(-\d+)?\.(png|pdf)")
MEASURED = re.compile(r"(memory|noise|depth|frontier)(-\d+)?\.png|(headline|slowdowns)\.png")
CAPTIONS = {
    "memory": "Left: parameters plus bytes held for the backward pass, measured, with the paper's "
    "printed number and its closed form with full masks. Right: the whole step's peak, by part.",
    "noise": "Mean squared error of a gradient estimate around the gradient of the whole training "
    "set, over that gradient's squared norm, with 95% bootstrap intervals over repetitions.",
    "frontier": "Noise that an estimator adds to the gradient, over what the exact gradient of the "
    "batch has itself, with 95% bootstrap intervals. Black: the least noise of an unbiased "
    "reconstruction, were entries Gaussian, or half of them zero and known. Grey: what is held "
    "beside sketches, a bit for each entry of a ReLU and the loss's own.",
    "slowdowns": "Iterations to the loss where the exact baseline has made 95% of its way, over "
    "its own: geometric mean over seeds, band: 95% paired t interval. Crosses: not reached.",
    "depth": "Lines: derived, nothing fitted. Points: measured, mean over seeds with the 95% "
    "bootstrap interval.",
    "headline": "Line: mean of the log training loss over completed seeds. Band: smallest to "
    "largest seed. MB: parameters plus bytes held for the backward pass, measured.",
}


@dataclass(frozen=True)
class Picture:
    """One PNG file and its words.

    Attributes:
        kind: ``headline``, ``curves``, ``reactor``, ``memory``, ``noise``, ``frontier``,
            ``slowdowns`` or ``depth``.
        title: Of which study.
        caption: How to read it.
        answers: The paper's figure or table that it answers to; may be empty.
        path: The file.
    """

    kind: str
    title: str
    caption: str
    answers: str
    path: Path

    @property
    def alt(self) -> str:
        """The text alternative."""
        return f"{WORDS[self.kind]}, {self.title}"

    @property
    def words(self) -> str:
        """The caption with its title and the paper's figure."""
        answer = f" Answers to {self.answers} of the paper." if self.answers else ""
        return f"{WORDS[self.kind]}, {self.title}.{answer} {self.caption}"


WORDS = {
    "headline": "Training loss against iterations at equal memory",
    "curves": "Loss and accuracy curves",
    "reactor": "Loss curves",
    "memory": "Memory",
    "noise": "Gradient noise",
    "depth": "Variance against depth",
    "frontier": "Gradient noise of every estimator against its bytes",
    "slowdowns": "Iterations to the same loss against bytes",
}


def draw_pictures(
    records: Records, measurements: Measurements, target: Path
) -> tuple[list[Picture], list[Path]]:
    """Draw everything, over the pictures of an earlier report.

    Args:
        records: Training runs; may be none.
        measurements: Measured tables; may be none.
        target: The folder to write to.

    Returns:
        The pictures, the headline first, and the files of the curves, PNG and PDF in turn.
    """
    settings = by_setting(of_frontier(records.runs)[1])
    _remove(MEASURED, target)
    curves = save_curves(settings, records.curves, target)
    pictures = [
        _curves(setting, path) for (setting, _), path in zip(settings, curves[::2], strict=True)
    ]
    pictures += _measured(measurements, target) + _slowdowns(records, target)
    return [*_headline(settings, records.curves, target), *pictures], curves


def save_curves(
    settings: Sequence[tuple[Setting, pd.DataFrame]], curves: pd.DataFrame, target: Path
) -> list[Path]:
    """Write the curves of each setting as PNG and PDF, numbered if there are several."""
    _remove(CURVES, target)
    figures = [draw(setting, runs, curves) for setting, runs in settings]
    names = _numbered("curves", len(figures))
    return [
        path
        for name, figure in zip(names, figures, strict=True)
        for path in save(figure, target / name)
    ]


def _remove(names: re.Pattern[str], target: Path) -> None:
    """Remove the pictures of an earlier report."""
    for old in target.iterdir():
        if names.fullmatch(old.name):
            old.unlink()


def _curves(setting: Setting, path: Path) -> Picture:
    kind = "reactor" if setting.data == NO_DATA else "curves"
    return Picture(kind, setting.title, CAPTION, PAPER_FIGURES.get(setting.model, ""), path)


def _headline(
    settings: Sequence[tuple[Setting, pd.DataFrame]], curves: pd.DataFrame, target: Path
) -> list[Picture]:
    """Draw the headline; none if no study fits."""
    chosen = most_complete(settings)
    if chosen is None:
        return []
    setting, runs = chosen
    path = target / "headline.png"
    draw_loss(setting, runs, curves).savefig(path, dpi=130)
    return [Picture("headline", setting.title, CAPTIONS["headline"], PAPER_FIGURES["mlp"], path)]


def _measured(measurements: Measurements, target: Path) -> list[Picture]:
    """Draw the tables of measurements that have a picture."""
    writers: dict[str, Callable[[pd.DataFrame, IO[bytes]], None]] = {
        "memory": memory_table.write_figure,
        "depth": write_depth_figure,
        "noise": _write_noise,
        "frontier": write_frontier_figure,
    }
    pictures = []
    for kind, write in writers.items():
        tables = measurements.of(kind)
        for table, name in zip(tables, _numbered(kind, len(tables)), strict=True):
            path = target / f"{name}.png"
            with path.open("wb") as file:
                write(table.rows, file)
            answers = PAPER_FIGURES.get(kind, "")
            pictures.append(Picture(kind, table.study, CAPTIONS[kind], answers, path))
    return pictures


def _slowdowns(records: Records, target: Path) -> list[Picture]:
    """Draw what training along the frontier took; none without such runs."""
    table = slowdowns(records.runs, records.curves)
    if not has_rivals(table):
        return []
    path = target / "slowdowns.png"
    with path.open("wb") as file:
        write_slowdowns(table, file)
    studies = ", ".join(sorted(set(of_frontier(records.runs)[0]["study"])))
    return [Picture("slowdowns", studies, CAPTIONS["slowdowns"], "", path)]


def _write_noise(rows: pd.DataFrame, file: IO[bytes]) -> None:
    """Draw gradient noise as a whole; layers are summed first, as only their sum is shown."""
    keys = [*ARM, *KEPT, "repetition"]
    numbers = ["reference", "total", "sketch", "batch", "along", "pair"]
    together = rows.groupby(keys, sort=False, dropna=False)[numbers].sum(min_count=1)
    table = summarize(together.reset_index().assign(layer="sum"))
    noise_table.write_figure(table[table["layer"] == WHOLE], file)


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{i + 1}" for i in range(count)]
