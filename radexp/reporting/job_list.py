"""What was asked for of a study: its jobs.csv, and the jobs that have a folder without being there.

A sweep writes down all its jobs before the first of them starts, so that it can be told what waits.
"""

from __future__ import annotations

import os
import re
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from radexp.errors import UsageError
from radexp.reporting.finding import measure_of
from radexp.reporting.reading import as_integer, damaged, one_line, read_table, read_yaml

JOB_LIST = "jobs.csv"
COLUMNS = ("run_id", "kind", "iterations")
RUN = "run"
_NAME = re.compile("[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class AskedJob:
    """A job that was asked for.

    Attributes:
        run_id: Its folder's name.
        kind: ``run``, or what is measured.
        iterations: Those asked for of a run; 0 for a measurement, or if they are not known.

    Example:
        >>> AskedJob("mlp-digits-rad-s0-0123456789", "run", 2000).is_run
        True
    """

    run_id: str
    kind: str
    iterations: int

    @property
    def is_run(self) -> bool:
        """Whether it is a training run."""
        return self.kind == RUN


def read_job_list(study: Path) -> list[AskedJob]:
    """Return the jobs that a study's jobs.csv lists; none if there is no such file.

    Raises:
        UsageError: If the file is damaged.
    """
    path = study / JOB_LIST
    if not path.exists():
        return []
    jobs = []
    for name, kind, iterations in read_table(path, COLUMNS).itertuples(index=False):
        if not _NAME.fullmatch(name):  # it names a folder, which must lie in the study's
            allowed = "names of a-z 0-9 . _ -, the first a letter or digit"
            raise damaged(path, f"run_id={one_line(name)[:80]}", allowed, "delete it")
        jobs.append(AskedJob(name, one_line(kind), as_integer(iterations, path, "iterations")))
    return jobs


def job_list_csv(jobs: list[AskedJob]) -> bytes:
    r"""Return what jobs.csv holds of these jobs.

    Example:
        >>> job_list_csv([AskedJob("depth-s0-0123456789", "depth", 0)])
        b'run_id,kind,iterations\ndepth-s0-0123456789,depth,0\n'
    """
    rows = [COLUMNS, *map(astuple, jobs)]
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def jobs_of(study: Path) -> list[AskedJob]:
    """Return the listed jobs of a study, then those that have a folder in it alone.

    Raises:
        UsageError: If the list is damaged.
    """
    listed = read_job_list(study)
    known = {job.run_id for job in listed}
    folders = sorted(entry.name for entry in os.scandir(study) if entry.is_dir())
    others = (study / name for name in folders if name not in known and name[0] != ".")
    return [*listed, *(job_in(folder) for folder in others if is_begun(folder))]


def is_begun(folder: Path) -> bool:
    """Whether a job has started in a folder: its configuration is there."""
    return (folder / "config.yaml").is_file()


def job_in(folder: Path) -> AskedJob:
    """Return the job of a folder by its configuration; a damaged one says nothing of its length."""
    try:
        measure = measure_of(folder)
        training: Any = {} if measure else read_yaml(folder / "config.yaml").get("training")
        iterations = training.get("iterations") if isinstance(training, dict) else None
        count = as_integer(iterations or 0, folder / "config.yaml", "training.iterations")
        return AskedJob(folder.name, measure or RUN, count)
    except UsageError:
        return AskedJob(folder.name, RUN, 0)
