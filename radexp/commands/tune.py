"""``radexp tune``: random draws of step size and L2, judged on held-out training examples."""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from radexp.analysis.tuning import JUDGED, near_edge, trial_table, winners
from radexp.commands.cluster import on_cluster
from radexp.commands.train import launch
from radexp.commands.trials import Trials, final_words, plan_trials
from radexp.commands.words import wants_help, wrapped
from radexp.config import CLASSIFICATION, experiments_for, options_for
from radexp.config.tune import DRAWN
from radexp.errors import UsageError
from radexp.experiments import Plan, run_path
from radexp.experiments.folder import RunFolder
from radexp.experiments.writing import write_files
from radexp.reporting.tuning_table import as_text, write_figure

FILES = ("tuning.csv", "tuning.png")
INDENT = " " * 24


def _listed(names: Sequence[str]) -> str:
    """Return options, wrapped to the column of the help text."""
    return textwrap.fill(", ".join(names), 72).replace("\n", f"\n{INDENT}")


HELP = f"""\
radexp tune: draw step size and L2 at random, judge them on held-out training examples.

  radexp tune model=mlp data=mnist estimator=rad budget=1.8MB
  radexp tune estimator=rad,small_batch budget=10% tune.draws=10
  radexp tune experiment=cifar_cnn preset=quick estimator=rad

Each estimator has trials of its own, with the same draws; a trial is a run of radexp train that
holds out a part of the training set and does not look at the test set. The best trial has the
lowest validation loss at its end; its words for training on the whole set are printed.

Keys, besides those of radexp train:
  estimator             {wrapped(options_for("estimator", CLASSIFICATION), 24)};
                        a list tunes each on its own
  experiment            {_listed(experiments_for(CLASSIFICATION))}
  tune.draws            trials of each estimator (default 20)
  tune.lr               range of optimizer.lr, drawn log-uniform (default [1e-4,1e-2])
  tune.weight_decay     range of optimizer.weight_decay, likewise (default [1e-7,1e-3])
  tune.seed             seed of the draws (default 0)
  training.holdout      examples held out (default 5000, or a fifth of less than 25,000)
  threads               of each trial (default 1)
  hydra/launcher        how trials are run (default joblib, in parallel;
                        hydra.launcher.n_jobs=2 for two at once)

Written to OUTPUT/STUDY: a folder for each trial, {FILES[0]} and {FILES[1]}. Completed trials are
skipped and cut ones resume, so the same command picks up where it stopped."""


def tune(words: Sequence[str]) -> int:
    """Run the trials, write their table and picture, and print the best of each estimator.

    Args:
        words: Overrides.

    Returns:
        The exit status: 0 if every trial was judged and every estimator has a best one.

    Raises:
        UsageError: Before any work, if a word or a trial is impossible.
    """
    if wants_help(words):
        print(HELP)
        return 0
    with on_cluster(words):
        trials = plan_trials(words)
        launch([trials.words], trials.plans)
    table = trial_table([_trial(plan) for plan in trials.plans])
    folder = run_path(trials.plans[0]).parent
    _write(table, trials, folder)
    print(f"\n{as_text(table)}\n")
    best = winners(table)
    for row in best.values():
        _print_best(row, trials)
    _print_commands(words, best, trials)
    print(f"trials in {folder}, table and picture in {', '.join(FILES)}")
    complaints = _complaints(table, trials)
    for complaint in complaints:
        print(f"radexp: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def _trial(plan: Plan) -> dict[str, Any]:
    """Return a trial's row of the table, from its record."""
    config, path = plan.config, run_path(plan)
    try:
        summary = RunFolder(path).read_summary() or {"status": "failed"}
    except UsageError:
        summary = {"status": "failed"}
    return {
        "estimator": config.estimator.name,
        "trial": config.tune.trial,
        "lr": config.optimizer.lr,
        "weight_decay": config.optimizer.weight_decay,
        "validation_loss": summary.get("final_validation_loss"),
        "validation_accuracy": summary.get("final_validation_accuracy"),
        "status": summary["status"],
        "run": path.name,
    }


def _write(table: pd.DataFrame, trials: Trials, folder: Path) -> None:
    picture = BytesIO()
    ranges = {name: tuple(getattr(trials.tune, name)) for name in DRAWN}
    write_figure(table, ranges, picture)
    text = table.to_csv(index=False, lineterminator="\n").encode()
    write_files(folder, dict(zip(FILES, (text, picture.getvalue()), strict=True)))


def _print_best(row: Mapping[str, Any], trials: Trials) -> None:
    """Print an estimator's best trial, the words for it, and whether a range was too narrow."""
    name, draws = row["estimator"], trials.tune.draws
    print(
        f"{name}: trial {row['trial']} is the best of {draws}, validation loss "
        f"{row['validation_loss']:.4g}, accuracy {row['validation_accuracy']:.2%} "
        f"on {trials.holdout} held-out examples"
    )
    print(f"  optimizer.lr={row['lr']!r} optimizer.weight_decay={row['weight_decay']!r}")
    if _takes_tuned(trials, name):
        print(f"  {' '.join(_tuned(row))}  (for an experiment's arm)")
    for key in DRAWN:
        low, high = getattr(trials.tune, key)
        edge = near_edge(row[key], low, high)
        if edge:
            wider = (low / 10, high) if edge == "lower" else (low, high * 10)
            print(
                f"  near the {edge} end of tune.{key}=[{low:g},{high:g}]: "
                f"the best may lie beyond; try tune.{key}=[{wider[0]:g},{wider[1]:g}]"
            )


def _print_commands(
    words: Sequence[str], best: Mapping[str, Mapping[str, Any]], trials: Trials
) -> None:
    """Print what to type next: the winners on the whole training set."""
    rest = final_words(words)
    if not best:
        return
    print("\nnow train on the whole training set:")
    sweep = ["-m"] if any(word.startswith("experiment=") for word in rest) else []
    if sweep and all(_takes_tuned(trials, name) for name in best):
        tuned = [word for row in best.values() for word in _tuned(row)]
        arms = f"estimator={','.join(best)}"
        print(f"  radexp train -m {shlex.join([*rest, arms, *tuned])}")
        return
    for name, row in best.items():
        values = [f"optimizer.{key}={row[key]!r}" for key in DRAWN]
        print(f"  radexp train {shlex.join([*sweep, *rest, f'estimator={name}', *values])}")


def _takes_tuned(trials: Trials, name: str) -> bool:
    """Whether the experiment, if there is one, has settings for this arm alone."""
    tuned = trials.plans[0].config.tuned
    return name in tuned if trials.experiment else True


def _tuned(row: Mapping[str, Any]) -> list[str]:
    return [f"tuned.{row['estimator']}.{key}={row[key]!r}" for key in DRAWN]


def _complaints(table: pd.DataFrame, trials: Trials) -> list[str]:
    """Say which trials were not judged, and which estimators have no best one."""
    rows = table[~table["status"].isin(JUDGED)].to_dict("records")
    complaints = [
        f"{row['status']}: {run_path(trials.plans[0]).parent / row['run']}" for row in rows
    ]
    best = winners(table)
    for name, part in table.groupby("estimator", sort=False):
        if name not in best:
            counts = part["status"].value_counts()
            ended = ", ".join(f"{count} {status}" for status, count in counts.items())
            low, high = trials.tune.lr
            complaints.append(
                f"estimator={name}: {ended} of {len(part)} trials: allowed is at least one that "
                f"completed; try smaller steps, tune.lr=[{low / 100:g},{high / 100:g}]"
            )
    return complaints
