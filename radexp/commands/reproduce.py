"""``radexp reproduce``: every experiment at a preset's scale, then one report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from radexp.catalogue import choices
from radexp.commands.report import print_report
from radexp.commands.train import conclude, launch, plan_words, with_preset
from radexp.commands.watching import read_summary
from radexp.commands.words import wants_help
from radexp.errors import UsageError
from radexp.experiments import Measurement, Plan, run_path
from radexp.experiments.folder import FINAL_STATUSES
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
All other words go to the experiments' sweeps, as in radexp train -m experiment=NAME; so
hydra/launcher=submitit_slurm runs them on a cluster. The default is hydra/launcher=joblib.
Completed runs are skipped and cut ones resume, so the same command picks up where it stopped."""


CORES = 2  # of the machine that the experiments' figures speak of


@dataclass(frozen=True)
class Sweep:
    """One experiment: the words of its sweep and the jobs that they stand for."""

    name: str
    words: list[str]
    jobs: Sequence[Plan | Measurement]

    @property
    def open_jobs(self) -> int:
        """How many jobs have not ended for good."""
        summaries = [read_summary(run_path(job)) for job in self.jobs]
        ended = [s for s in summaries if s is not None and s["status"] in FINAL_STATUSES]
        return len(self.jobs) - len(ended)

    @property
    def minutes(self) -> float:
        """What the open jobs take on two cores, by the experiment's own measured figure."""
        config = self.jobs[0].config
        each = float(config.scales.get(config.preset, {}).get("job_seconds", 0.0))
        return each * self.open_jobs / (CORES * 60)


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
    sweeps = _plan(words)  # all of them before any work
    _announce(sweeps)
    jobs = [job for sweep in sweeps for job in sweep.jobs]
    launch([sweep.words for sweep in sweeps], jobs)
    studies: dict[Path, list[Plan | Measurement]] = {}  # several experiments may share one
    for job in jobs:
        studies.setdefault(run_path(job).parent, []).append(job)
    statuses = [conclude(members) for members in studies.values()]
    command = " ".join(["radexp reproduce", *words])
    report = write_report(studies, next(iter(studies)).parent / "report", command)
    print_report(report)
    print(f"{time.monotonic() - start:.0f} s in all; page: {Path(report.page).resolve().as_uri()}")
    return max(statuses)


def _plan(words: Sequence[str]) -> list[Sweep]:
    """Check every job of every experiment, and write nothing."""
    given = dict(word.partition("=")[::2] for word in words)
    names = given.pop("experiment", ",".join(choices("experiment"))).split(",")
    for name in names:
        if name not in choices("experiment"):
            raise UsageError(
                f"experiment={name}: allowed is {', '.join(choices('experiment'))}; "
                "leave it out for all of them"
            )
    rest = [word for word in words if not word.startswith("experiment=")]
    if "hydra/launcher" not in given:
        rest.insert(0, "hydra/launcher=joblib")
    lines = {name: with_preset(["-m", f"experiment={name}", *rest]) for name in names}
    return [Sweep(name, line, plan_words(line)) for name, line in lines.items()]


def _announce(sweeps: Sequence[Sweep]) -> None:
    """Say what will be done and about how long that takes."""
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
