"""``radexp train``: one run, or with ``-m`` a sweep through any Hydra launcher."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from radexp.catalogue import config_folder
from radexp.commands.asking import write_job_lists
from radexp.commands.cluster import on_cluster, require_plugin, require_sweep
from radexp.commands.composing import compose_jobs, parse_words, to_config
from radexp.commands.watching import Watching, describe, read_summary
from radexp.config import TrainConfig
from radexp.errors import BudgetError, UsageError, printable, require
from radexp.experiments import Measurement, Plan, execute, make_job, run_path
from radexp.experiments.measurement import without_effect
from radexp.experiments.orphans import LAUNCHER, ending_with_launcher
from radexp.experiments.preemption import making_room
from radexp.experiments.writing import make_folder, require_writable
from radexp.interrupts import held, released, was_asked_to_stop
from radexp.reporting.job_state import is_held
from radexp.reporting.report import draw_curves

SHELLS = ("bash", "fish", "zsh")
SHOW_ONLY = ("help", "hydra_help", "cfg", "info", "shell_completion")


def train(words: Sequence[str]) -> int:
    """Check every job that the words stand for, run them, and draw their curves.

    Args:
        words: Hydra flags and overrides.

    Returns:
        The exit status: 0 if every run completed.

    Raises:
        UsageError: Before any work, if a job is impossible.
    """
    ours = preset_for(words)
    flags = parse_words(words)
    for word in words:
        drawing = not word.lstrip("+").startswith("tune.")
        require(drawing, word, "in radexp tune, as train draws nothing", "drop it")
    if any(getattr(flags, name) for name in SHOW_ONLY):
        return show(words, ours)
    require_sweep(words, flags.multirun)
    with on_cluster(words):
        return run_jobs([*words, *ours], plan_words(words, ours))


def preset_for(words: Sequence[str]) -> list[str]:
    """Return ``preset=quick`` for words that choose an experiment and no preset.

    Raises:
        UsageError: If they choose a preset and no experiment: it would change nothing.
    """
    presets = [word for word in words if word.startswith("preset=")]
    if any(word.startswith("experiment=") for word in words):
        return [] if presets else ["preset=quick"]
    allowed = "a preset of an experiment"
    require(not presets, " ".join(presets), allowed, "add experiment=mnist_mlp or drop it")
    return []


def show(words: Sequence[str], ours: Sequence[str] = (), application: str = "radexp train") -> int:
    """Let Hydra print help, a configuration or a completion script, and run nothing.

    Args:
        words: As typed.
        ours: Overrides that go after them.
        application: The name that Hydra completes.

    Returns:
        The exit status.
    """
    flags = parse_words(words)
    require_plugin(words)
    if flags.shell_completion:
        _require_shell(flags.overrides)
    else:
        compose_jobs(flags.overrides, flags.multirun, ours)
    try:
        _run_hydra([*words, *ours], application)
    except SystemExit as done:  # Hydra's way to end after its help
        return int(done.code or 0)
    return 0


def _require_shell(overrides: Sequence[str]) -> None:
    """Refuse what Hydra's completion does not know; a shell's question comes with the line."""
    kinds = ("install", "uninstall", *(["query"] if "COMP_LINE" in os.environ else []))
    known = [f"{kind}={shell}" for kind in kinds for shell in SHELLS]
    line = " ".join(["--shell-completion", *overrides])
    require(len(overrides) == 1 and overrides[0] in known, line, ", ".join(known), "pick one")


def plan_words(words: Sequence[str], ours: Sequence[str] = ()) -> list[Plan | Measurement]:
    """Check every job that the words stand for, and write nothing.

    Args:
        words: Flags and overrides, as typed.
        ours: Overrides that go after them and are not quoted in a message.

    Raises:
        UsageError: If a job is impossible, or a word is without effect on a measurement.
    """
    flags = parse_words(words)
    configs = compose_jobs(flags.overrides, flags.multirun, ours)
    for measure in dict.fromkeys(c.measure.name for c in configs if c.measure is not None):
        idle = without_effect(flags.overrides, measure)
        given = f"{' '.join(idle)} with measure={measure}"
        allowed = "words that it looks at; it measures estimators and sizes of its own"
        require(not idle, given, allowed, "drop what is without effect")
    return _plan(configs)


def _plan(configs: Sequence[TrainConfig]) -> list[Plan | Measurement]:
    """Plan all jobs; a sweep over budgets leaves out, and says, what does not fit into one.

    Raises:
        UsageError: If a job is impossible, or nothing of a model fits into one of the budgets.
    """
    jobs: list[Plan | Measurement] = []
    refused: list[tuple[TrainConfig, BudgetError]] = []
    for config in configs:
        try:
            jobs.append(make_job(config))
        except BudgetError as error:
            refused.append((config, error))
    swept = len({config.budget for config in configs}) > 1
    fitting = [job for job in jobs if not (isinstance(job, Plan) and job.over_budget)]
    served = {(job.config.model.name, job.config.budget) for job in fitting}
    for config, reason in refused:
        if not swept or (config.model.name, config.budget) not in served:
            raise reason
    if refused:
        names = [f"{c.model.name} {c.estimator.name} {c.budget}" for c, _ in refused]
        listed = ", ".join(dict.fromkeys(names))
        print(f"radexp: left out, as they do not fit into their budget: {listed}", file=sys.stderr)
    return jobs


def run_jobs(words: Sequence[str], jobs: Sequence[Plan | Measurement]) -> int:
    """Run the jobs of ``plan_words`` through Hydra and draw their curves.

    Returns:
        The exit status: 0 if every job completed.
    """
    if parse_words(words).multirun:
        launch([words], jobs)
    else:
        make_folder(run_path(jobs[0]).parent)
        with held():
            _run_hydra(words)
    return conclude(jobs)


def launch(sweeps: Sequence[Sequence[str]], jobs: Sequence[Plan | Measurement]) -> None:
    """Run sweeps through Hydra, one after the other, under one live display.

    Args:
        sweeps: Hydra flags and overrides of each.
        jobs: What they stand for, of all sweeps together.
    """
    folders = write_job_lists(jobs)
    for folder in folders:
        require_writable(folder)
    alone = len(folders) == 1
    name = folders[0].name if alone else f"{len(folders)} studies"
    where = folders[0] if alone else f"{folders[0].parent}, {name}"
    print(f"{len(jobs)} {_kind(jobs)} into {where}", flush=True)
    os.environ[LAUNCHER] = str(os.getpid())
    try:
        with Watching(jobs, name):
            for words in sweeps:
                # An earlier sweep may have filled the disk, and Hydra would end with a traceback.
                require_writable(folders[0])
                _run_sweep(words)
    finally:
        del os.environ[LAUNCHER]


def _run_sweep(words: Sequence[str]) -> None:
    """Run a sweep through Hydra; what it leaves undone is listed later.

    Raises:
        UsageError: If a cluster refuses its jobs.
    """
    try:
        _run_hydra(words)
    except SystemExit as end:  # with a number it is Hydra's way to end where a worker died
        if was_asked_to_stop():  # or where a signal broke what it was doing
            raise KeyboardInterrupt from end
        if isinstance(end.code, str):
            raise UsageError(end.code) from end


def _kind(jobs: Sequence[Plan | Measurement]) -> str:
    """Name what jobs are."""
    runs = sum(isinstance(job, Plan) for job in jobs)
    return "runs" if runs == len(jobs) else "runs and measurements" if runs else "measurements"


def _run_hydra(words: Sequence[str], application: str = "radexp train") -> None:
    """Hand the words to Hydra, which calls ``_job`` once per job, here or elsewhere."""
    sys.argv = [application, *words]
    main = hydra.main(version_base="1.3", config_path=str(config_folder()), config_name="train")
    main(_job)()


def _job(config: DictConfig) -> None:
    """Carry out one job. Only an interruption leaves it as an exception."""
    in_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    name = "job"
    try:
        with released(), ending_with_launcher(), making_room():
            job = make_job(to_config(config))
            name = job.run_id
            summary = execute(job, show_progress=not in_sweep)
    except Exception as error:
        if in_sweep and isinstance(error, BudgetError):  # as was said before the sweep began
            return
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        kind = "" if isinstance(error, UsageError) else f"{type(error).__name__}: "
        print(f"radexp: {name}: {kind}{printable(str(error))}", file=sys.stderr, flush=True)
        if isinstance(error, UsageError) and not in_sweep:
            raise SystemExit(2) from error
        return
    if not in_sweep:  # a sweep's are told by who watches it
        print(describe(summary), flush=True)
    if summary["status"] == "interrupted":
        raise KeyboardInterrupt


def conclude(jobs: Sequence[Plan | Measurement]) -> int:
    """List what did not complete of a study, and draw its runs' curves.

    Returns:
        The exit status: 0 if every job completed.
    """
    status = list_incomplete(jobs)
    completed = [job for job in jobs if _status(run_path(job)) == "completed"]
    if completed:
        path = run_path(completed[0])
        folder = path if len(jobs) == 1 else path.parent
        runs = [run_path(job) for job in completed if isinstance(job, Plan)]
        figures = draw_curves(runs, folder) if runs else []
        names = f", curves in {', '.join(figure.name for figure in figures)}" if runs else ""
        print(f"records in {folder}{names}")
    return status


def list_incomplete(jobs: Sequence[Plan | Measurement]) -> int:
    """List what did not complete of some jobs.

    Returns:
        The exit status: 0 if every job completed.
    """
    statuses = {run_path(job): _status(run_path(job)) for job in jobs}
    others = {path: status for path, status in statuses.items() if status != "completed"}
    for path, status in others.items():
        print(f"radexp: {status}: {path}", file=sys.stderr)
    if "running" in others.values():
        goes_on = "others are writing these; the same command, when they have ended, goes on"
        print(f"radexp: {goes_on}", file=sys.stderr)
    for logs in sorted({path.parent / ".submitit" for path in others}):
        if "failed" in others.values() and logs.is_dir():
            print(f"radexp: what a cluster's jobs printed: {logs}", file=sys.stderr)
    return 1 if others else 0


def _status(path: Path) -> str:
    """Say how a job ended; one that another process is at has not."""
    summary = read_summary(path)
    if summary is None:
        return "running" if is_held(path) else "failed"
    return str(summary["status"])
