"""One live display over all runs of a sweep, from their folders alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

from radexp.errors import UsageError
from radexp.experiments import Measurement, Plan, run_path
from radexp.experiments.folder import FINAL_STATUSES, RunFolder
from radexp.memory import format_bytes
from radexp.reporting.job_state import is_held, last_row, share

POLL_SECONDS = 0.5


class Watching:
    """Print a line for each job that ends, above one bar, while a launcher runs them.

    It reads the jobs' folders, so that it does not matter in which process, or on which machine,
    they run. The bar is drawn if standard error is a terminal.

    Args:
        jobs: Those to watch.
        name: In front of the bar.
    """

    def __init__(self, jobs: Sequence[Plan | Measurement], name: str) -> None:
        self._open = {run_path(job): job for job in jobs}
        self._before = {path: _stamp(path) for path in self._open}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._total = len(jobs)
        self._bar = tqdm(
            total=self._total,
            desc=name,
            disable=None,
            bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix} [{elapsed}<{remaining}]",
        )

    def __enter__(self) -> Watching:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look(last=True)
        self._bar.close()

    def _watch(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self._look()

    def _look(self, last: bool = False) -> None:
        """Say which jobs have ended since, and how far the others are.

        Args:
            last: Whether those whose record has not changed were skipped, as complete before.
        """
        for path in list(self._open):
            stamp = _stamp(path)
            changed = stamp != self._before[path]
            if changed or last:
                summary = read_summary(path)
                if summary is not None and (changed or summary["status"] in FINAL_STATUSES):
                    tqdm.write(describe(summary))
                    self._before[path] = stamp
                    if summary["status"] != "interrupted":  # a cluster's job may come back
                        del self._open[path]
        shares = [progress(path, job) for path, job in self._open.items()]
        ended = self._total - len(shares)
        running = sum(is_held(path) is True for path in self._open)
        self._bar.set_postfix_str(f"{ended}/{self._total} ended, {running} running", False)
        self._bar.n = ended + sum(shares)  # type: ignore[assignment]  # shares of runs
        self._bar.refresh()


def _stamp(path: Path) -> int:
    """Return when a job's record was written; 0 if there is none."""
    try:
        return (path / "summary.json").stat().st_mtime_ns
    except OSError:
        return 0


def read_summary(path: Path) -> dict[str, Any] | None:
    """Return a job's record, None while there is none that can be read."""
    try:
        return RunFolder(path).read_summary()
    except UsageError:
        return None


def progress(path: Path, job: Plan | Measurement) -> float:
    """Return the done part of a run from the last row of its metrics; 0 for a measurement."""
    if isinstance(job, Measurement):
        return 0.0
    row = last_row(path)
    return share(row.iteration if row else 0, job.config.training.iterations)


def describe(summary: dict[str, Any]) -> str:
    """Say in one line how a job ended."""
    name = f"{summary['status']:<11} {summary.get('run_id', '')}"
    if summary["status"] == "completed" and "measured" in summary:
        return f"{name}  {summary['rows']} rows, {summary['seconds']:.1f} s"
    if summary["status"] != "completed" or summary.get("final_train_loss") is None:
        return f"{name}  {summary.get('message') or ''}"
    total = summary["parameter_bytes"] + summary["measured_saved_bytes"]
    parts = [f"train loss {summary['final_train_loss']:.3g}"]
    for split in ("test", "validation"):
        if summary.get(f"final_{split}_loss") is not None:
            parts += [f"{split} loss {summary[f'final_{split}_loss']:.3g}"]
            parts += [f"accuracy {summary[f'final_{split}_accuracy']:.2%}"]
    over = " (over budget)" if summary["over_budget"] else ""
    parts += [f"{format_bytes(total)}{over}", f"{summary['train_seconds']:.1f} s"]
    return f"{name}  {', '.join(parts)}"
