"""``radexp train``: one run, or with ``-m`` a sweep through any Hydra launcher."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from radexp.catalogue import config_folder
from radexp.commands.composing import compose_jobs, parse_words, to_config
from radexp.errors import UsageError, require
from radexp.experiments import Plan, execute, make_plan, run_path
from radexp.experiments.folder import RunFolder, make_folder
from radexp.memory import format_bytes
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
        drawing = not word.startswith("tune.")
        require(drawing, word, "in radexp tune, as train draws nothing", "drop it")
    if any(getattr(flags, name) for name in SHOW_ONLY):
        return show(words)
    return run_plans(words, plan_words(words))


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


def plan_words(words: Sequence[str]) -> list[Plan]:
    """Check every job that the words stand for, and write nothing.

    Raises:
        UsageError: If a job is impossible.
    """
    flags = parse_words(words)
    return [make_plan(config) for config in compose_jobs(flags.overrides, flags.multirun)]


def run_plans(words: Sequence[str], plans: Sequence[Plan]) -> int:
    """Run the jobs of ``plan_words`` through Hydra and draw their curves.

    Returns:
        The exit status: 0 if every run completed.
    """
    launch(words, plans)
    return _conclude(plans)


def launch(words: Sequence[str], plans: Sequence[Plan]) -> None:
    """Run the jobs of some words, whose plans these are, through Hydra."""
    make_folder(run_path(plans[0]).parent)
    if len(plans) > 1:
        print(f"{len(plans)} runs into {run_path(plans[0]).parent}", flush=True)
    _run_hydra(words)


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
        plan = make_plan(to_config(config))
        name = plan.run_id
        summary = execute(plan, show_progress=not in_sweep)
    except Exception as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        kind = "" if isinstance(error, UsageError) else f"{type(error).__name__}: "
        print(f"radexp: {name}: {kind}{error}", file=sys.stderr, flush=True)
        if isinstance(error, UsageError) and not in_sweep:
            raise SystemExit(2) from error
        return
    print(describe(summary), flush=True)
    if summary["status"] == "interrupted":
        raise KeyboardInterrupt


def describe(summary: dict[str, Any]) -> str:
    """Say in one line how a run ended."""
    name = f"{summary['status']:<11} {summary['run_id']}"
    if summary["status"] != "completed" or summary["final_train_loss"] is None:
        return f"{name}  {summary['message'] or ''}"
    total = summary["parameter_bytes"] + summary["measured_saved_bytes"]
    parts = [f"train loss {summary['final_train_loss']:.3g}"]
    for split in ("test", "validation"):
        if summary.get(f"final_{split}_loss") is not None:
            parts += [f"{split} loss {summary[f'final_{split}_loss']:.3g}"]
            parts += [f"accuracy {summary[f'final_{split}_accuracy']:.2%}"]
    over = " (over budget)" if summary["over_budget"] else ""
    parts += [f"{format_bytes(total)}{over}", f"{summary['train_seconds']:.1f} s"]
    return f"{name}  {', '.join(parts)}"


def _conclude(plans: Sequence[Plan]) -> int:
    """List what did not complete, draw the curves and return the exit status."""
    ended = {run_path(plan): RunFolder(run_path(plan)).read_summary() for plan in plans}
    completed = [path for path, summary in ended.items() if _status(summary) == "completed"]
    for path, summary in ended.items():
        if path not in completed:
            print(f"radexp: {_status(summary)}: {path}", file=sys.stderr)
    if completed:
        folder = completed[0] if len(plans) == 1 else completed[0].parent
        figures = draw_curves(completed, folder)
        print(f"records in {folder}, curves in {_names(figures)}")
    return 0 if len(completed) == len(ended) else 1


def _status(summary: dict[str, Any] | None) -> str:
    return "failed" if summary is None else str(summary["status"])


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)
