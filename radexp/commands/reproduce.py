"""``radexp reproduce``: every experiment at a preset's scale, then one report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from radexp.catalogue import choices
from radexp.commands.cluster import on_cluster
from radexp.commands.remembered import recall, remember
from radexp.commands.report import as_printed
from radexp.commands.sweeps import Sweep, plan_sweeps
from radexp.commands.train import conclude, launch, list_incomplete
from radexp.commands.words import wants_help
from radexp.experiments import Measurement, Plan, run_path
from radexp.reporting.job_state import duration
from radexp.reporting.report import write_report

HELP = f"""\
radexp reproduce: run every experiment at a preset's scale, in parallel, then report.

  radexp reproduce                      # preset=quick: the embedded data, minutes
  radexp reproduce preset=paper         # the published protocol
  radexp reproduce experiment=mnist_mlp,reactor seed=0,1 output=elsewhere

Keys:
  preset       smoke (two minutes), quick (default), reduced (the published data and networks as far
               as two cores get in an evening) or paper (the published protocol)
  experiment   {", ".join(choices("experiment"))}
               (default all)
  estimator    of each training experiment those of its arms that are named, as in rad,exact; one
               without any of them is left out. Measurements have estimators of their own
All other words go to the experiments' sweeps, as in radexp train -m experiment=NAME, but not to
measurements that do not look at them, which is said; so hydra/launcher=slurm_cpu runs them on
a cluster. The default is hydra/launcher=joblib.
Completed runs are skipped and cut ones resume, so the same command picks up where it stopped. When
all is complete it prints the report again, and draws it again only if what it shows has changed."""


def reproduce(words: Sequence[str]) -> int:
    """Run the experiments and report them.

    Args:
        words: Overrides.

    Returns:
        The exit status: 0 if every job completed.

    Raises:
        UsageError: If a word is impossible.
    """
    if wants_help(words):
        print(HELP)
        return 0
    start = time.monotonic()
    with on_cluster(words):
        sweeps, notes = plan_sweeps(words)  # all of them before any work
        _announce(sweeps, notes)
        unfinished = [sweep for sweep in sweeps if sweep.open_jobs]
        if unfinished:
            jobs = [job for sweep in unfinished for job in sweep.jobs]
            launch([sweep.words for sweep in unfinished], jobs)
    studies: dict[Path, list[Plan | Measurement]] = {}  # several experiments may share one
    for job in (job for sweep in sweeps for job in sweep.jobs):
        studies.setdefault(run_path(job).parent, []).append(job)
    page = next(iter(studies)).parent / "report" / "index.html"
    status = _report(studies, page, " ".join(["radexp reproduce", *words]))
    print(f"{time.monotonic() - start:.0f} s in all; page: {page.resolve().as_uri()}")
    return status


def _report(studies: Mapping[Path, Sequence[Plan | Measurement]], page: Path, command: str) -> int:
    """Print the report, drawn again unless the one that is there still holds; return the status."""
    printed = recall(page, studies, command)
    if printed is not None:
        status = max(list_incomplete(jobs) for jobs in studies.values())
    else:
        status = max(conclude(jobs) for jobs in studies.values())
        printed = as_printed(write_report(studies, page.parent, command))
        remember(page, studies, command, printed)
    print(printed)
    return status


def _announce(sweeps: Sequence[Sweep], notes: Sequence[str]) -> None:
    """Say what will be done, about how long that takes, and what the words do not do."""
    for note in notes:
        print(note)
    print(f"{'experiment':<20} {'jobs':>5} {'done':>5}  about, on two cores")
    for sweep in sweeps:
        jobs = len(sweep.jobs)
        done = jobs - sweep.open_jobs
        print(f"{sweep.name:<20} {jobs:>5} {done:>5}  {_duration(sweep.minutes)}")
    print(f"{'all':<20} {'':>11}  {_duration(sum(sweep.minutes for sweep in sweeps))}", flush=True)


def _duration(minutes: float) -> str:
    """Write a rough time, none as people say it.

    Example:
        >>> _duration(0.5), _duration(0)
        ('30 s', 'nothing to do')
    """
    return duration(minutes * 60) if minutes else "nothing to do"
