"""Write down what a sweep asks for, before the first of its jobs starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import methodcaller
from pathlib import Path

from filelock import FileLock

from radexp.errors import UsageError
from radexp.experiments import Measurement, Plan, run_path
from radexp.experiments.writing import make_folder, unwritable
from radexp.files import write_atomically
from radexp.reporting.job_list import JOB_LIST, RUN, AskedJob, job_list_csv, read_job_list


def write_job_lists(jobs: Sequence[Plan | Measurement]) -> list[Path]:
    """Add jobs to the lists of their studies; what earlier sweeps asked for stays in them.

    Returns:
        The studies' folders, made where they are missing, in the order of the jobs.

    Raises:
        UsageError: If a folder cannot be written.
    """
    studies: dict[Path, list[AskedJob]] = {}
    for job in jobs:
        studies.setdefault(run_path(job).parent, []).append(_asked(job))
    for study, asked in studies.items():
        make_folder(study)
        try:
            with FileLock(study / ".jobs.lock"):  # two sweeps of one study may start at once
                _add(study, asked)
        except OSError as error:
            raise unwritable(study, error) from error
    return list(studies)


def _asked(job: Plan | Measurement) -> AskedJob:
    if isinstance(job, Measurement):
        return AskedJob(job.run_id, job.name, 0)
    return AskedJob(job.run_id, RUN, job.config.training.iterations)


def _add(study: Path, asked: Sequence[AskedJob]) -> None:
    """Write the union of what is listed and what is asked for now, if it is more.

    A damaged list is written anew: it decides nothing, and jobs with a folder are found without it.
    """
    try:
        listed = read_job_list(study)
    except UsageError as error:
        print(f"radexp: {error}; left out, and written anew", file=sys.stderr)
        listed = []
    together = list(dict.fromkeys([*listed, *asked]))
    if together != listed:
        write_atomically(study / JOB_LIST, methodcaller("write", job_list_csv(together)))
