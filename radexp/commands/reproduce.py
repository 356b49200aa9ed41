"""``radexp reproduce``: every experiment at a preset's scale, then one report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from radexp.catalogue import choices
from radexp.commands.report import print_report
from radexp.commands.train import plan_words, run_plans, with_preset
from radexp.commands.words import wants_help
from radexp.errors import UsageError
from radexp.experiments import run_path
from radexp.reporting.report import write_report

HELP = f"""\
radexp reproduce: run every experiment at a preset's scale, in parallel, then report.

  radexp reproduce                      # preset=quick: the embedded data, a few minutes
  radexp reproduce preset=paper         # the published protocol
  radexp reproduce experiment=mnist_mlp seed=0,1 output=elsewhere

Keys:
  preset       {", ".join(choices("preset"))} (default quick)
  experiment   {", ".join(choices("experiment"))} (default all)
All other words go to the experiments' sweeps, as in radexp train -m experiment=NAME.
Completed runs are skipped and cut ones resume, so the same command picks up where it stopped."""


def reproduce(words: Sequence[str]) -> int:
    """Run the experiments and report them.

    Args:
        words: Overrides.

    Returns:
        The exit status: 0 if every run completed.

    Raises:
        UsageError: If a word is impossible.
    """
    if wants_help(words):
        print(HELP)
        return 0
    given = dict(word.partition("=")[::2] for word in words)
    for name in (names := given.pop("experiment", ",".join(choices("experiment"))).split(",")):
        if name not in choices("experiment"):
            raise UsageError(
                f"experiment={name}: allowed is {', '.join(choices('experiment'))}; "
                "leave it out for all of them"
            )
    rest = [word for word in words if not word.startswith("experiment=")]
    if "hydra/launcher" not in given:
        rest.insert(0, "hydra/launcher=joblib")
    start = time.monotonic()
    sweeps = [with_preset(["-m", f"experiment={name}", *rest]) for name in names]
    planned = [(sweep, plan_words(sweep)) for sweep in sweeps]
    statuses = [run_plans(sweep, plans) for sweep, plans in planned]
    runs = [run_path(plan) for _, plans in planned for plan in plans]
    command = " ".join(["radexp reproduce", *words])
    report = write_report(
        [run for run in runs if run.is_dir()], runs[0].parents[1] / "report", command
    )
    print_report(report)
    print(f"{time.monotonic() - start:.0f} s in all; page: {Path(report.page).resolve().as_uri()}")
    return max(statuses)
