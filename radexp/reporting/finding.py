"""Where the records are: one walk that tells runs, measured jobs and evidence apart."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from radexp.errors import UsageError
from radexp.reporting.reading import damaged, one_line, read_text, read_yaml
from radexp.reporting.run_folder import is_run_folder

MEASURES = ("memory", "noise", "frontier", "depth", "bias")
WRITTEN = "deviations.md"
RUN_EVIDENCE = ("runs.csv", "curves.csv")


@dataclass(frozen=True)
class Found:
    """Folders of records, each resolved and once, in the order of the walk.

    Attributes:
        runs: Folders of training runs, and evidence folders of training runs.
        jobs: What each job folder of a measurement measured.
        evidence: The study's folder of each evidence folder that has tables of measurements: itself
            or one above it.
    """

    runs: tuple[Path, ...]
    jobs: dict[Path, str]
    evidence: dict[Path, Path]

    def __bool__(self) -> bool:
        return bool(self.runs or self.jobs or self.evidence)


def find(paths: str | Path | Iterable[str | Path]) -> Found:
    """Walk to every record below some folders, not into hidden folders or links.

    A job folder has a ``config.yaml`` with ``measure``; it is never taken for a run. An evidence
    folder of measurements holds ``memory.csv``, ``noise.csv``, ``frontier.csv``, ``depth.csv`` or
    ``bias.csv``. It is of the study of the folder right above it if that has such a table too, or a
    ``deviations.md``, and else a study of its own. Folders below a run or a job are not looked at.

    Args:
        paths: Record folders, or folders above them.

    Raises:
        UsageError: If a path is no folder or holds no record, or there are no paths.
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise UsageError("runs=[]: allowed is at least one folder; try runs=outputs")
    runs: dict[Path, None] = {}
    jobs: dict[Path, str] = {}
    evidence: dict[Path, Path] = {}
    for path in map(Path, given):
        if not path.is_dir():
            raise no_record(path, "there is no such folder")
        found = _walk(path.resolve())
        if not found:
            raise no_record(path)
        runs.update(dict.fromkeys(found.runs))
        jobs.update(found.jobs)
        evidence |= {folder: top for folder, top in found.evidence.items() if folder not in jobs}
    return Found(tuple(runs), jobs, evidence)


def no_record(path: str | Path, what: str = "no run in it") -> UsageError:
    """Return the error about a folder without any record, or about one that is not there."""
    return UsageError(
        one_line(
            f"{path}: {what}; allowed is a folder that holds runs (config.yaml and "
            "metrics.csv), measurements, or evidence (runs.csv and curves.csv, or "
            f"{', '.join(f'{name}.csv' for name in MEASURES)}); train first"
        )
    )


def is_run_evidence(folder: Path) -> bool:
    """Whether a folder holds the collected records of training runs."""
    return all((folder / name).is_file() for name in RUN_EVIDENCE)


def measure_of(folder: Path) -> str:
    """Return what a job folder measures; empty if it is no such folder.

    Raises:
        UsageError: If its config.yaml is damaged or names no known measure.
    """
    path = folder / "config.yaml"
    # Parsing takes milliseconds and most folders are runs: look for the word first.
    if not path.is_file() or "measure" not in read_text(path):
        return ""
    measure = read_yaml(path).get("measure")
    if measure is None:
        return ""
    name = measure.get("name") if isinstance(measure, dict) else measure
    if name not in MEASURES:
        raise damaged(path, f"measure.name={one_line(name)[:80]}", ", ".join(MEASURES))
    return str(name)


def _walk(top: Path) -> Found:
    """Sort the folders below one folder, itself included."""
    runs: list[Path] = []
    jobs: dict[Path, str] = {}
    evidence: dict[Path, Path] = {}
    for name, below, files in os.walk(top):
        folder = Path(name)
        if measure := measure_of(folder):
            jobs[folder] = measure
            below.clear()
        elif is_run_folder(folder) or is_run_evidence(folder):
            runs.append(folder)
            below.clear()
        else:
            below[:] = sorted(child for child in below if not child.startswith("."))
        if not jobs.get(folder) and any(f"{measure}.csv" in files for measure in MEASURES):
            evidence[folder] = evidence.get(folder.parent) or _study_of(folder)
    return Found(tuple(runs), jobs, evidence)


def _study_of(folder: Path) -> Path:
    """Return the folder above if words on a study stand there, else the folder itself."""
    return folder.parent if (folder.parent / WRITTEN).is_file() else folder
