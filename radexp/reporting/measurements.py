"""Measured tables besides training runs: memory, gradient noise, the frontier, depth, and bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radexp.reporting.environments import read_environments
from radexp.reporting.finding import MEASURES, Found
from radexp.reporting.measured_table import KINDS, read_measured
from radexp.reporting.reading import damaged, one_line, read_yaml
from radexp.reporting.summary import read_summary

INCOMPLETE = ("run", "arm", "seed", "status", "message")


@dataclass(frozen=True)
class MeasuredTable:
    """One table: all that one study measured of one kind.

    Attributes:
        kind: ``memory``, ``noise``, ``frontier``, ``depth`` or ``bias``.
        study: Its study, or the name of its evidence folder.
        rows: The table, columns of its ``Kind``; unknown numbers are NaN.
        place: The evidence folder, or the folder above its jobs.
    """

    kind: str
    study: str
    rows: pd.DataFrame
    place: Path

    def __repr__(self) -> str:
        return f"MeasuredTable({self.kind} of {self.study}, {len(self.rows)} rows)"


class Doubled(NamedTuple):
    """A table that is none, as two of its jobs give the same row.

    Attributes:
        kind: As of ``MeasuredTable``.
        study: As of ``MeasuredTable``.
        message: The two folders, the row, and how to mend it, in one line.
    """

    kind: str
    study: str
    message: str


@dataclass(frozen=True)
class Measurements:
    """All tables, in the order of ``KINDS``, and the jobs that are not among them.

    Attributes:
        tables: The tables.
        incomplete: Jobs that did not complete: ``run``, ``arm`` (the measure), ``seed`` (empty),
            ``status`` and ``message``.
        environments: Where they were measured.
        doubled: Tables left out, as two of their jobs give the same row.
    """

    tables: tuple[MeasuredTable, ...]
    incomplete: pd.DataFrame
    environments: list[dict[str, Any]]
    doubled: tuple[Doubled, ...] = ()

    def of(self, kind: str) -> list[MeasuredTable]:
        """Return the tables of one kind."""
        return [table for table in self.tables if table.kind == kind]


def read_measurements(found: Found) -> Measurements:
    """Read the tables of what was found; there may be none.

    Completed job folders of one study and kind are one table, in sorted folder order, and so are
    the evidence folders of one study.

    Args:
        found: As ``radexp.reporting.finding.find`` returns it.

    Raises:
        UsageError: If a file is damaged or missing.
    """
    parts: dict[tuple[str, str, Path], list[Path]] = {}
    others, environments = [], []
    for folder in sorted(found.jobs):
        kind, study = found.jobs[folder], _study(folder)
        status, message = _outcome(folder)
        environments += read_environments(folder / "environment.json")
        if status == "completed":
            parts.setdefault((kind, study, folder.parent), []).append(folder)
        else:
            others.append((f"{study}/{folder.name}", kind, "", status, message))
    for folder in sorted(found.evidence):
        place = found.evidence[folder]
        environments += read_environments(folder / "environment.json")
        for kind in MEASURES:
            if (folder / f"{kind}.csv").is_file():
                parts.setdefault((kind, one_line(place.name), place), []).append(folder)
    ordered = sorted(parts.items(), key=lambda item: (MEASURES.index(item[0][0]), item[0][1:]))
    tables, doubled = [], []
    for (kind, study, place), folders in ordered:
        rows, message = _join(kind, folders)
        if message:
            doubled.append(Doubled(kind, study, message))
        else:
            tables.append(MeasuredTable(kind, study, rows, place))
    incomplete = pd.DataFrame(others, columns=list(INCOMPLETE))
    return Measurements(tuple(tables), incomplete, environments, tuple(doubled))


def _join(kind: str, folders: Sequence[Path]) -> tuple[pd.DataFrame, str]:
    """Put the parts of one table together; say which two of them give the same row, if any do."""
    paths = [folder / f"{kind}.csv" for folder in folders]
    parts, key = [read_measured(path, kind) for path in paths], list(KINDS[kind].key)
    for path, part in zip(paths, parts, strict=True):
        if part.duplicated(key).any():
            raise damaged(path, "a row that is there twice", "one row for each measurement")
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        raise damaged(paths[0], "no rows", "at least one row")
    again = np.flatnonzero(rows.duplicated(key))
    if len(again):
        owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        same = rows.groupby(key, dropna=False, sort=False).ngroup().to_numpy()
        first, second = owners[same == same[again[0]]][:2]
        return rows, _twice(folders[first], folders[second], rows[key].iloc[[again[0]]])
    return (rows.assign(cell=range(len(rows))) if kind == "memory" else rows), ""


def _twice(one: Path, other: Path, row: pd.DataFrame) -> str:
    """Name two folders of one study, in short, and a row that both give."""
    names = " and ".join(f"{folder.parent.name}/{folder.name}" for folder in (one, other))
    cells = ", ".join(f"{name}={value}" for name, value in row.to_dict("records")[0].items())
    return one_line(
        f"{names}: the same row in both ({cells}); allowed is one row for each measurement; give "
        "the jobs of one of them a study=... of their own, or delete one"
    )


def _study(folder: Path) -> str:
    return one_line(read_yaml(folder / "config.yaml").get("study") or folder.parent.name)


def _outcome(folder: Path) -> tuple[str, str]:
    """Return a job's status and message; without summary.json it is going on or was killed."""
    summary = read_summary(folder) or {"status": "interrupted"}
    return str(summary["status"]), one_line(summary.get("message") or "")
