"""Where a job is, from its folder alone: whichever process works on it, on whichever machine."""

from __future__ import annotations

import fcntl
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from radexp.errors import UsageError
from radexp.reporting.job_list import AskedJob, is_begun
from radexp.reporting.reading import one_line
from radexp.reporting.run_folder import METRICS
from radexp.reporting.summary import STATUSES, read_summary

# In the order in which they are counted; those that a record tells are its statuses.
WAITING, RUNNING, CUT, UNKNOWN = "waiting", "running", "cut", "unknown"
STATES = (RUNNING, WAITING, *STATUSES, CUT, UNKNOWN)
TAIL_BYTES = 512  # holds at least the last row of metrics.csv


class LastRow(NamedTuple):
    """What the last row of metrics.csv says of a run that goes on."""

    iteration: int
    train_seconds: float
    split: str
    loss: float


@dataclass(frozen=True)
class JobState:
    """A job and where it is.

    Attributes:
        job: What was asked for.
        state: ``waiting`` (not begun), ``running``, a record's status, ``cut`` (killed: no process
            holds its lock, and no record says how it ended) or ``unknown`` (no record, and the
            file system cannot tell whether the lock is held).
        iteration: The last one that metrics.csv has a row of.
        note: One line: how fast it is, or what happened.
    """

    job: AskedJob
    state: str
    iteration: int = 0
    note: str = ""


def read_state(study: Path, job: AskedJob) -> JobState:
    """Return where a job is; nothing is written, and a job that starts meanwhile is kept in.

    A job holds its lock before it writes anything and until its record is written. So it is asked
    in this order: has it begun, is it held, has it a record; and if it seems cut, once more both
    at a time, as one that resumes drops its record. None that starts or ends is taken for cut.

    Args:
        study: The folder above the job's.
        job: Which one.
    """
    folder = study / job.run_id
    begun, held = is_begun(folder), is_held(folder)
    row = last_row(folder)
    iteration = row.iteration if row else 0
    try:
        summary = read_summary(folder)
    except UsageError as error:
        if not held and not is_held(folder):  # one that resumes writes the record's files anew
            return JobState(job, "failed", iteration, str(error))
        return JobState(job, RUNNING, iteration, _pace(job, row))
    if summary is not None:
        iteration = _whole(summary.get("iterations_done"), iteration)
        return JobState(job, summary["status"], iteration, one_line(summary.get("message") or ""))
    if held:
        return JobState(job, RUNNING, iteration, _pace(job, row))
    if not begun:
        return JobState(job, WAITING)
    with _asking(folder) as held:  # as long as the lock is held here, no record comes or goes
        ended = held is False and (folder / "summary.json").exists()
    if ended:
        return read_state(study, job)
    if held:
        return JobState(job, RUNNING, iteration, _pace(job, row))
    seen = f"last written {duration(_age(folder))} ago"
    if held is None:
        return JobState(job, UNKNOWN, iteration, f"its lock cannot be asked; {seen}")
    return JobState(job, CUT, iteration, seen)


def is_held(folder: Path) -> bool | None:
    """Tell whether a live process works on a job; None if the file system cannot tell.

    The question holds the lock for an instant, and shared, so that others may ask at once.
    """
    with _asking(folder) as held:
        return held


@contextmanager
def _asking(folder: Path) -> Iterator[bool | None]:
    """Yield whether a job is held; if not, its lock is held, shared, until the end."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context((folder / ".lock").open("rb"))
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            held: bool | None = False
        except FileNotFoundError:
            held = False
        except BlockingIOError:
            held = True
        except OSError:
            held = None
        yield held


def last_row(folder: Path) -> LastRow | None:
    """Return the last whole row of a run's metrics.csv, or None while there is none."""
    try:
        with (folder / "metrics.csv").open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            line = file.read().split(b"\n")[-2]
        cells = dict(zip(METRICS, line.decode().split(","), strict=True))
        numbers = int(cells["iteration"]), float(cells["train_seconds"])
        return LastRow(*numbers, one_line(cells["split"]), float(cells["loss"]))
    except (OSError, ValueError, IndexError):
        return None


def share(iteration: int, iterations: int) -> float:
    """Return the done part of a run; 0 if its length is not known.

    Example:
        >>> share(500, 2000), share(7, 0)
        (0.25, 0.0)
    """
    return min(1.0, iteration / iterations) if iterations else 0.0


def duration(seconds: float) -> str:
    """Write a rough time as people say it.

    Example:
        >>> duration(30), duration(432), duration(10800)
        ('30 s', '7 min', '3.0 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _pace(job: AskedJob, row: LastRow | None) -> str:
    """Say what the last loss was and how much training time is left at the pace so far."""
    if row is None:
        return ""
    words = [f"{row.split} loss {row.loss:.3g}"]
    if row.iteration and job.iterations:
        left = max(0, job.iterations - row.iteration) * row.train_seconds / row.iteration
        if math.isfinite(left):
            words.append(f"about {duration(left)} left")
    return ", ".join(words)


def _age(folder: Path) -> float:
    """Return the seconds since a job that has begun wrote a row, or its configuration."""
    files = (folder / "metrics.csv", folder / "config.yaml")
    newest = max(file.stat().st_mtime for file in files if file.is_file())
    return max(0.0, time.time() - newest)


def _whole(value: Any, otherwise: int) -> int:
    """Return a count from a record, or something else where it has none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
