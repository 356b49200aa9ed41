"""The arms of one setting: which runs each has, its name in a legend, its colour and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
# Of an arm at several fractions: from light, little kept, to dark, all kept.
FRACTION_COLOURS = ("#E3B505", "#E07A1F", "#C8376B", "#8A2E96", "#3F3FB0", "#0B1D51")
RIVALS = {"checkpoint": ("#56B4E9", "--")}
FRACTION_LINES = {"rad": "-", "rad_shared": "--", "rad_project": ":"}


@dataclass(frozen=True)
class ArmRuns:
    """The runs behind one line: those completed and the others, with its legend and style."""

    completed: list[str]
    others: list[str]
    legend: str
    colour: str
    line: str


def group_arms(runs: pd.DataFrame) -> list[ArmRuns]:
    """Group runs by label.

    A label that is a known arm's name has that arm's fixed style; versions of an arm that differ
    in the kept fraction have the colours of the fractions.

    Args:
        runs: Runs of one setting with labels, as ``by_setting`` gives them.
    """
    spare = iter(OTHER_STYLES * (1 + runs["label"].nunique()))
    fractions = sorted(set(_fractions(runs).values()))
    arms = []
    for label in _ordered(runs["label"].unique()):
        group = runs[runs["label"] == label]
        done = group["status"] == "completed"
        colour, line = _style(label, _fractions(group), fractions, spare)
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


def _fractions(runs: pd.DataFrame) -> dict[str, float]:
    """Return the kept fraction of each label that names one."""
    found = runs[[" keep=" in label for label in runs["label"]]].groupby("label")["keep"].max()
    return {str(label): float(keep) for label, keep in found.items()}


def _style(
    label: str, own: dict[str, float], fractions: list[float], spare: Iterator[tuple[str, str]]
) -> tuple[str, str]:
    """Return a label's colour and line; one that is neither known nor a fraction takes a spare."""
    if known := {**ARM_STYLES, **RIVALS}.get(label):
        return known
    arm, _, rest = label.partition(" ")
    if label not in own or " " in rest or len(fractions) > len(FRACTION_COLOURS):
        return next(spare)
    return FRACTION_COLOURS[fractions.index(own[label])], FRACTION_LINES.get(arm, "-.")


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
    return plain(", ".join(part[:80] for part in parts if part))


def plain(text: str) -> str:
    """Keep matplotlib from reading a name as mathematics."""
    return text.replace("$", r"\$")
