"""``radexp train``: one run, or with ``-m`` a sweep through any Hydra launcher."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from radexp.catalogue import config_folder
from radexp.commands.asking import write_job_lists
from radexp.commands.composing import compose_jobs, parse_words, to_config
from radexp.commands.watching import Watching, describe, read_summary
from radexp.errors import UsageError, require
from radexp.experiments import Measurement, Plan, execute, make_job, run_path
from radexp.experiments.orphans import LAUNCHER, ending_with_launcher
from radexp.experiments.writing import make_folder
from radexp.reporting.report import draw_curves

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
    words = with_preset(words)
    flags = parse_words(words)
    for word in words:
        drawing = not word.lstrip("+").startswith("tune.")
        require(drawing, word, "in radexp tune, as train draws nothing", "drop it")
    if any(getattr(flags, name) for name in SHOW_ONLY):
        return show(words)
    return run_jobs(words, plan_words(words))


def with_preset(words: Sequence[str]) -> list[str]:
    """Add ``preset=quick`` to words that choose an experiment and no preset.

    Raises:
        UsageError: If they choose a preset and no experiment: it would change nothing.
    """
    presets = [word for word in words if word.startswith("preset=")]
    if any(word.startswith("experiment=") for word in words):
        return [*words] if presets else [*words, "preset=quick"]
    allowed = "a preset of an experiment"
    require(not presets, " ".join(presets), allowed, "add experiment=mnist_mlp or drop it")
    return [*words]


def show(words: Sequence[str], application: str = "radexp train") -> int:
    """Let Hydra print help, a configuration or a completion script, and run nothing."""
    flags = parse_words(words)
    if not flags.shell_completion:
        compose_jobs(flags.overrides, flags.multirun)
    try:
        _run_hydra(words, application)
    except SystemExit as done:  # Hydra's way to end after its help
        return int(done.code or 0)
    return 0


def plan_words(words: Sequence[str]) -> list[Plan | Measurement]:
    """Check every job that the words stand for, and write nothing.

    Raises:
        UsageError: If a job is impossible.
    """
    flags = parse_words(words)
    return [make_job(config) for config in compose_jobs(flags.overrides, flags.multirun)]


def run_jobs(words: Sequence[str], jobs: Sequence[Plan | Measurement]) -> int:
    """Run the jobs of ``plan_words`` through Hydra and draw their curves.

    Returns:
        The exit status: 0 if every job completed.
    """
    if parse_words(words).multirun:
        launch([words], jobs)
    else:
        make_folder(run_path(jobs[0]).parent)
        _run_hydra(words)
    return conclude(jobs)


def launch(sweeps: Sequence[Sequence[str]], jobs: Sequence[Plan | Measurement]) -> None:
    """Run sweeps through Hydra, one after the other, under one live display.

    Args:
        sweeps: Hydra flags and overrides of each.
        jobs: What they stand for, of all sweeps together.
    """
    folders = write_job_lists(jobs)
    alone = len(folders) == 1
    name = folders[0].name if alone else f"{len(folders)} studies"
    where = folders[0] if alone else f"{folders[0].parent}, {name}"
    print(f"{len(jobs)} {_kind(jobs)} into {where}", flush=True)
    os.environ[LAUNCHER] = str(os.getpid())
    try:
        with Watching(jobs, name):
            for words in sweeps:
                # Hydra's way to end where a worker died: what it left undone is listed later.
                with suppress(SystemExit):
                    _run_hydra(words)
    finally:
        del os.environ[LAUNCHER]


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
        job = make_job(to_config(config))
        name = job.run_id
        with ending_with_launcher():
            summary = execute(job, show_progress=not in_sweep)
    except Exception as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        kind = "" if isinstance(error, UsageError) else f"{type(error).__name__}: "
        print(f"radexp: {name}: {kind}{error}", file=sys.stderr, flush=True)
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
    statuses = {run_path(job): _status(read_summary(run_path(job))) for job in jobs}
    for path, status in statuses.items():
        if status != "completed":
            print(f"radexp: {status}: {path}", file=sys.stderr)
    completed = [job for job in jobs if statuses[run_path(job)] == "completed"]
    if completed:
        path = run_path(completed[0])
        folder = path if len(jobs) == 1 else path.parent
        runs = [run_path(job) for job in completed if isinstance(job, Plan)]
        figures = draw_curves(runs, folder) if runs else []
        names = f", curves in {', '.join(figure.name for figure in figures)}" if runs else ""
        print(f"records in {folder}{names}")
    return 0 if len(completed) == len(statuses) else 1


def _status(summary: dict[str, Any] | None) -> str:
    return "failed" if summary is None else str(summary["status"])
