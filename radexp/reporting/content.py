"""What a report shows, page and Markdown alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radexp.analysis.frontier_training import of_frontier
from radexp.analysis.settings import by_setting
from radexp.reporting.deviations import Written, protocol_facts
from radexp.reporting.environments import distinct
from radexp.reporting.frontier_grids import frontier_grids, training_grids
from radexp.reporting.grids import Grid, bias_scores, depth_slopes, noise_ratios, table_1
from radexp.reporting.judging import Judged, judge_records
from radexp.reporting.measurements import INCOMPLETE, Measurements
from radexp.reporting.pictures import Picture
from radexp.reporting.reading import plain_lines
from radexp.reporting.records import Records
from radexp.reporting.table import final_table

TITLE = "Randomized Automatic Differentiation, measured"
INTRODUCTION = (
    "radexp reproduces Randomized Automatic Differentiation (RAD; Oktay, McGreivy, Aduol, Beatson "
    "and Adams, ICLR 2021, arXiv 2007.10412). RAD keeps a random part of what a gradient needs "
    "from the forward pass, rescaled so that the gradient stays right on average: less memory, "
    "more noise. The paper calculated the memory by hand; here it is measured, and each of the "
    "paper's claims is judged by a rule. The rules were fixed before the runs that they judge, but "
    "for C2 and for the mlp in C11: their tables were known when the rules were written."
)


@dataclass(frozen=True)
class Content:
    """Everything that a report shows.

    Attributes:
        studies: Names of what was run or measured.
        judged: Verdicts and what could not be judged.
        table: The final table; empty without training runs.
        pictures: Figures, the headline first if there is one.
        grids: Further tables by section: ``memory``, ``depth``, ``noise``, ``frontier``, ``bias``.
        incomplete: Runs and jobs that did not complete.
        deviations: Where studies differ from the published protocol: a heading, what code found,
            and what people wrote.
        commands: What made the records, and this report: where, and the command.
        environments: Where it ran.
    """

    studies: tuple[str, ...]
    judged: Judged
    table: pd.DataFrame
    pictures: Sequence[Picture]
    grids: dict[str, list[Grid]]
    incomplete: pd.DataFrame
    deviations: Sequence[tuple[str, list[str], str]]
    commands: Sequence[tuple[str, str]]
    environments: Sequence[dict[str, Any]]


def collect(
    words: Written,
    records: Records,
    measurements: Measurements,
    pictures: Sequence[Picture],
    command: str = "",
    deviations: str = "",
) -> Content:
    """Judge and tabulate everything.

    Args:
        words: What people wrote beside the records.
        records: Training runs; may be none.
        measurements: Measured tables; may be none.
        pictures: As ``draw_pictures`` returns them.
        command: The command that makes this report.
        deviations: Further words on deviations.
    """
    own = [("this report", plain_lines(command))] if command.strip() else []
    studies = {*records.runs["study"], *(table.study for table in measurements.tables)}
    studies |= {table.study for table in measurements.doubled}
    return Content(
        studies=tuple(sorted(studies)),
        judged=judge_records(records, measurements),
        table=final_table(records.runs),
        pictures=pictures,
        grids=_grids(records, measurements),
        incomplete=_incomplete(records, measurements),
        deviations=_deviations(words, records, deviations),
        commands=[*words.commands.items(), *own],
        environments=distinct([*records.environments, *measurements.environments]),
    )


def _grids(records: Records, measurements: Measurements) -> dict[str, list[Grid]]:
    """Tabulate the measurements, and the runs along the frontier."""
    frontier = [grid for table in measurements.of("frontier") for grid in frontier_grids(table)]
    slopes = [depth_slopes(table) for table in measurements.of("depth")]
    return {
        "memory": [table_1(table) for table in measurements.of("memory")],
        "depth": [grid for grid in slopes if grid],
        "noise": [grid for table in measurements.of("noise") for grid in noise_ratios(table)],
        "frontier": [*training_grids(records.runs, records.curves), *frontier],
        "bias": [bias_scores(table) for table in measurements.of("bias")],
    }


def _incomplete(records: Records, measurements: Measurements) -> pd.DataFrame:
    """List runs and jobs of any other status, with their messages."""
    runs = records.runs[records.runs["status"] != "completed"].astype({"seed": str})
    return pd.concat([runs[list(INCOMPLETE)], measurements.incomplete], ignore_index=True)


def _deviations(words: Written, records: Records, more: str) -> list[tuple[str, list[str], str]]:
    """Say for each setting what code can tell, then for each folder what people wrote."""
    entries: list[tuple[str, list[str], str]] = [("", [], more.strip())]
    for setting, runs in by_setting(of_frontier(records.runs)[1]):
        entries.append((setting.title, protocol_facts(setting, runs), ""))
    entries += [(name, [], text) for name, text in words.deviations.items()]
    return [entry for entry in entries if entry[1] or entry[2]]
