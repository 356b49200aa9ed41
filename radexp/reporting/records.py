"""Records of many runs: loaded from run folders or from an evidence folder, and written as one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radexp.errors import UsageError
from radexp.reporting.environments import distinct, read_environments
from radexp.reporting.finding import Found, find, is_run_evidence, no_record
from radexp.reporting.reading import (
    TABLE_LIMIT_BYTES,
    damaged,
    one_line,
    read_table,
    read_text,
    to_integers,
    to_numbers,
)
from radexp.reporting.run_folder import (
    CURVES,
    INTEGERS,
    NUMBERS,
    RUNS,
    TEXTS,
    check_curves,
    read_run,
)
from radexp.reporting.summary import STATUSES

EVIDENCE = ("runs.csv", "curves.csv", "environment.json")
# What changed in the columns of runs.csv, the latest change first: today's name of a column, and
# what it was called before, or None if there was no such column.
CHANGES: tuple[tuple[str, str | None], ...] = (
    ("micro_batch", None),
    ("bits", None),
    ("target", None),
    ("sizes", "hidden"),
)


@dataclass(frozen=True)
class Records:
    """Runs of any status, their curves, and the environments they ran in.

    Attributes:
        runs: One row for each run, columns ``RUNS``; unknown numbers are NaN, unknown texts
            empty. ``run`` is the key, ``study/run_id``.
        curves: Rows of metrics.csv, with ``run``.
        environments: The distinct environments.
        places: The folder of each study.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame
    environments: list[dict[str, Any]]
    places: dict[str, Path] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Records({len(self.runs)} runs, {len(self.curves)} curve rows)"


def load_records(paths: str | Path | Iterable[str | Path]) -> Records:
    """Read every run below some folders; nothing that is read is executed.

    Args:
        paths: Run folders, evidence folders (as ``write_evidence`` leaves them), or any folders
            above these.

    Returns:
        All runs, sorted by key.

    Raises:
        UsageError: If a path holds no run, a file is damaged, or one run was found twice.
    """
    found = find(paths)
    if not found.runs:
        raise no_record(paths if isinstance(paths, (str, Path)) else ", ".join(map(str, paths)))
    return read_records(found)


def read_records(found: Found) -> Records:
    """Read the training runs of what was found; there may be none.

    Raises:
        UsageError: If a file is damaged, or one run was found twice.
    """
    empty = pd.DataFrame({name: pd.Series(dtype=_type(name)) for name in RUNS})
    none = check_curves(pd.DataFrame({name: pd.Series(dtype=str) for name in CURVES}), Path())
    if not found.runs:
        return Records(empty, none, [])
    return _join([_read(folder) for folder in found.runs], list(found.runs))


def _type(name: str) -> type:
    return str if name in TEXTS else np.int64 if name in INTEGERS else np.float64


def write_evidence(records: Records, folder: str | Path) -> list[Path]:
    """Write runs.csv, curves.csv and environment.json; ``load_records`` reads them back exactly.

    Args:
        records: What to write.
        folder: Where; made if missing.

    Returns:
        The three files.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    records.runs.to_csv(target / "runs.csv", index=False, lineterminator="\n")
    records.curves.to_csv(target / "curves.csv", index=False, lineterminator="\n")
    text = json.dumps(records.environments, indent=1, sort_keys=True)
    (target / "environment.json").write_text(text + "\n", encoding="utf-8")
    return [target / name for name in EVIDENCE]


def _read(folder: Path) -> Records:
    """Read one run folder or one evidence folder."""
    if is_run_evidence(folder):
        return _read_evidence(folder)
    run = read_run(folder)
    frame = pd.DataFrame([run.row], columns=list(RUNS)).astype(dict.fromkeys(NUMBERS, np.float64))
    return Records(frame, run.curves, [run.environment] if run.environment else [])


def _read_evidence(folder: Path) -> Records:
    """Read the three files of an evidence folder."""
    path = folder / "runs.csv"
    texts = _read_runs(path)
    runs = texts.copy()
    for name in INTEGERS:
        runs[name] = np.array(to_integers(texts[name], path), dtype=np.int64)
    for name in NUMBERS:
        runs[name] = np.array(to_numbers(texts[name], path), dtype=np.float64)
    for name in TEXTS:
        runs[name] = [one_line(text) for text in texts[name]]
    wrong = runs.loc[~runs["status"].isin(STATUSES), "status"]
    if len(wrong):
        raise damaged(path, f"status={wrong.iloc[0]}", ", ".join(STATUSES), "collect it again")
    curves = check_curves(read_table(folder / "curves.csv", CURVES), folder / "curves.csv")
    strangers = sorted(set(curves["run"]) - set(runs["run"]))
    if strangers:
        what = f"rows of {strangers[0]}"
        raise damaged(folder / "curves.csv", what, "the runs of runs.csv", "collect it again")
    return Records(runs, curves, read_environments(folder / "environment.json"))


def _read_runs(path: Path) -> pd.DataFrame:
    """Read runs.csv as text cells, with the columns of today; a column that came later is empty."""
    head = read_text(path, TABLE_LIMIT_BYTES).partition("\n")[0].strip()
    versions = {",".join(columns): columns for columns in _versions()}
    table = read_table(path, versions.get(head, RUNS))
    renamed = table.rename(columns={old: new for new, old in CHANGES if old})
    return renamed.reindex(columns=list(RUNS), fill_value="")


def _versions() -> Iterator[tuple[str, ...]]:
    """Yield the columns that runs.csv had, from today's to the oldest."""
    columns: tuple[str, ...] = RUNS
    yield columns
    for new, old in CHANGES:
        before = (old if name == new else name for name in columns)
        columns = tuple(name for name in before if name)
        yield columns


def _join(parts: list[Records], folders: list[Path]) -> Records:
    """Put records together, refusing one run from two places."""
    seen: dict[str, Path] = {}
    for part, folder in zip(parts, folders, strict=True):
        for run in part.runs["run"]:
            if run in seen:
                raise UsageError(
                    one_line(
                        f"run {run}: found in {seen[run]} and in {folder}; allowed is one place; "
                        "give narrower folders"
                    )
                )
            seen[run] = folder
    curves = pd.concat([part.curves for part in parts])
    return Records(
        pd.concat([part.runs for part in parts]).sort_values("run", ignore_index=True),
        curves.sort_values(["run", "iteration", "split"], kind="stable", ignore_index=True),
        distinct(e for part in parts for e in part.environments),
        _places(parts, folders),
    )


def _places(parts: list[Records], folders: list[Path]) -> dict[str, Path]:
    """Return where each study is: its evidence folder, or the folder above its runs."""
    places: dict[str, Path] = {}
    for part, folder in zip(parts, folders, strict=True):
        place = folder if is_run_evidence(folder) else folder.parent
        for study in part.runs["study"].unique():
            places.setdefault(study, place)
    return places
