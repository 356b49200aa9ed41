"""Measured tables besides training runs: memory, gradient noise, variance by depth, and bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radexp.reporting.finding import MEASURES, Found
from radexp.reporting.reading import (
    TABLE_LIMIT_BYTES,
    as_integer,
    as_number,
    damaged,
    one_line,
    read_json,
    read_table,
    read_text,
    read_yaml,
)
from radexp.reporting.records import read_environments
from radexp.reporting.run_folder import STATUSES

INCOMPLETE = ("run", "arm", "seed", "status", "message")
PAPER = ("paper_bytes", "closed_form_bytes", "closed_form_full_masks_bytes")
PEAK_PARTS = ("parameters", "gradients", "optimizer", "batch", "saved", "workspace", "total")


class Kind(NamedTuple):
    """What a table of one measure must look like.

    Attributes:
        columns: All columns, in order.
        texts: Columns of words; all others hold numbers.
        integers: Columns of whole numbers from 0.
        unknown: Columns of numbers whose cells may be empty or not finite.
        key: The columns that no two rows may share.
        absent: Columns at the end that may be missing altogether.
        words: All that a column of texts may say, where that is fixed.
    """

    columns: tuple[str, ...]
    texts: tuple[str, ...]
    integers: tuple[str, ...]
    unknown: tuple[str, ...]
    key: tuple[str, ...]
    absent: tuple[str, ...] = ()
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()


_MEMORY_SIZES = (
    *("parameter_bytes", "predicted_saved_bytes", "measured_saved_bytes"),
    *(f"peak_{part}_bytes" for part in PEAK_PARTS),
    "total_bytes",
)
KINDS = {
    "memory": Kind(
        columns=(
            *("cell", "model", "sizes", "input", "estimator", "keep", "batch_size"),
            *("whole_batch_size", "lean", "device", "threads", *_MEMORY_SIZES, *PAPER),
        ),
        texts=("model", "sizes", "input", "estimator", "lean", "device"),
        integers=("cell", "batch_size", "whole_batch_size", "threads", *_MEMORY_SIZES),
        unknown=PAPER,
        key=("model", "sizes", "input", "estimator", "keep", "batch_size", "lean", "device"),
        absent=PAPER,
        words=(("lean", ("True", "False")),),
    ),
    "noise": Kind(
        columns=(
            *("model", "data", "arm", "estimator", "keep", "batch_size", "bytes", "level"),
            *("layer", "repetition", "reference", "total", "sketch", "batch", "along", "pair"),
            "iteration",
        ),
        texts=("model", "data", "arm", "estimator", "layer"),
        integers=("batch_size", "bytes", "repetition", "iteration"),
        unknown=("keep", "level", "pair"),
        key=("model", "data", "arm", "layer", "repetition", "iteration"),
    ),
    "depth": Kind(
        columns=(
            *("study", "arm", "sketch", "width", "kept", "depth", "seed", "draws", "variance"),
        ),
        texts=("study", "arm", "sketch"),
        integers=("width", "kept", "depth", "seed", "draws"),
        unknown=(),
        key=("study", "arm", "sketch", "width", "kept", "depth", "seed"),
        words=(
            ("arm", ("independent", "interleaved", "inputs", "everywhere")),
            ("sketch", ("edges", "rad", "rad_shared", "rad_project")),
        ),
    ),
    "bias": Kind(
        columns=(
            *("model", "data", "estimator", "keep", "factor", "draws", "entries", "slope"),
            *("z_slope", "z_entry"),
        ),
        texts=("model", "data", "estimator"),
        integers=("draws", "entries"),
        unknown=("keep", "slope", "z_slope", "z_entry"),
        key=("model", "data", "estimator", "keep", "factor"),
    ),
}


@dataclass(frozen=True)
class Measurement:
    """One table: all that one study measured of one kind.

    Attributes:
        kind: ``memory``, ``noise``, ``depth`` or ``bias``.
        study: Its study, or the name of its evidence folder.
        rows: The table, columns of its ``Kind``; unknown numbers are NaN.
        place: The evidence folder, or the folder above its jobs.
    """

    kind: str
    study: str
    rows: pd.DataFrame
    place: Path

    def __repr__(self) -> str:
        return f"Measurement({self.kind} of {self.study}, {len(self.rows)} rows)"


@dataclass(frozen=True)
class Measurements:
    """All tables, in the order of ``KINDS``, and the jobs that are not among them.

    Attributes:
        tables: The tables.
        incomplete: Jobs that did not complete: ``run``, ``arm`` (the measure), ``seed`` (empty),
            ``status`` and ``message``.
        environments: Where they were measured.
    """

    tables: tuple[Measurement, ...]
    incomplete: pd.DataFrame
    environments: list[dict[str, Any]]

    def of(self, kind: str) -> list[Measurement]:
        """Return the tables of one kind."""
        return [table for table in self.tables if table.kind == kind]


def read_measurements(found: Found) -> Measurements:
    """Read the tables of what was found; there may be none.

    Completed job folders of one study and kind are one table, in sorted folder order, and so are
    an evidence folder and its subfolders.

    Args:
        found: As ``radexp.reporting.finding.find`` returns it.

    Raises:
        UsageError: If a file is damaged or missing, or two jobs of one table give the same row.
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
        study = found.evidence[folder]
        place = folder.parent if found.evidence.get(folder.parent) == study else folder
        environments += read_environments(folder / "environment.json")
        for kind in MEASURES:
            if (folder / f"{kind}.csv").is_file():
                parts.setdefault((kind, study, place), []).append(folder)
    ordered = sorted(parts.items(), key=lambda item: (MEASURES.index(item[0][0]), item[0][1:]))
    tables = tuple(
        Measurement(kind, study, _join(kind, folders), place)
        for (kind, study, place), folders in ordered
    )
    return Measurements(tables, pd.DataFrame(others, columns=list(INCOMPLETE)), environments)


def read_measured(path: Path, kind: str) -> pd.DataFrame:
    """Read one table and check every cell.

    Args:
        path: Such as ``memory.csv``.
        kind: A key of ``KINDS``.

    Raises:
        UsageError: If columns are missing or a cell is not what its column holds.
    """
    form = KINDS[kind]
    head = read_text(path, TABLE_LIMIT_BYTES).partition("\n")[0].strip()
    kept = tuple(name for name in form.columns if name not in form.absent)
    texts = read_table(path, kept if head == ",".join(kept) else form.columns)
    columns = {
        name: _column(texts[name], name, form, path)
        if name in texts
        else np.full(len(texts), np.nan)
        for name in form.columns
    }
    return pd.DataFrame(columns)


def _column(cells: pd.Series[str], name: str, form: Kind, path: Path) -> Any:
    """Convert one column."""
    if name in (words := dict(form.words)):
        wrong = [cell for cell in cells if cell not in words[name]]
        if wrong:
            raise damaged(path, f"{name}={one_line(wrong[0])[:80]}", ", ".join(words[name]))
    if name == "lean":
        return np.array(cells == "True")
    if name in form.texts:
        return [one_line(cell) for cell in cells]
    if name in form.integers:
        return np.array([as_integer(cell, path, name) for cell in cells], dtype=np.int64)
    numbers = np.array([as_number(cell or None, path, name) for cell in cells], dtype=np.float64)
    if name not in form.unknown and not np.isfinite(numbers).all():
        raise damaged(path, f"{name} that is missing or not finite", "a number in every row")
    return numbers


def _join(kind: str, folders: Sequence[Path]) -> pd.DataFrame:
    """Put the parts of one table together."""
    paths = [folder / f"{kind}.csv" for folder in folders]
    rows = pd.concat([read_measured(path, kind) for path in paths], ignore_index=True)
    if rows.empty:
        raise damaged(paths[0], "no rows", "at least one row")
    if rows.duplicated(list(KINDS[kind].key)).any():
        raise damaged(paths[-1], "a row that is there twice", "one row for each measurement")
    return rows.assign(cell=range(len(rows))) if kind == "memory" else rows


def _study(folder: Path) -> str:
    return one_line(read_yaml(folder / "config.yaml").get("study") or folder.parent.name)


def _outcome(folder: Path) -> tuple[str, str]:
    """Return a job's status and message; without summary.json it is going on or was killed."""
    path = folder / "summary.json"
    summary = read_json(path) if path.is_file() else {"status": "interrupted"}
    if not isinstance(summary, dict) or summary.get("status") not in STATUSES:
        given = one_line(summary.get("status") if isinstance(summary, dict) else summary)[:80]
        raise damaged(path, f"status={given}", ", ".join(STATUSES))
    return str(summary["status"]), one_line(summary.get("message") or "")
