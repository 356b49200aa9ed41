"""``radexp status``: where each job of a sweep is, from the jobs' folders alone."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radexp.commands.words import read_words, wants_help
from radexp.errors import UsageError, printable, require
from radexp.reporting.job_list import is_begun, job_in, jobs_of
from radexp.reporting.job_state import CUT, RUNNING, STATES, WAITING, JobState, read_state, share
from radexp.reporting.reading import one_line

HELP = """\
radexp status: which jobs of a sweep wait, run, are done or have failed, and why.

  radexp status
  radexp status runs=outputs/mnist_mlp-quick watch=10

Keys:
  runs    a study's folder, a job's, one above these, or a list (default outputs)
  watch   seconds between two looks; ends when no job waits or runs (default: one look)

States: running, waiting (not begun), completed, diverged, out_of_memory, failed (all with why),
interrupted and cut (killed): the command that asked for them, given again, resumes these;
unknown where the file system cannot tell whether a job is held by a live process.
It reads folders alone: from any machine that sees them, while a sweep runs or after it was killed.
Exit status: 1 if a job diverged, ran out of memory or failed, else 0."""
BAD = ("diverged", "out_of_memory", "failed")
RESUMABLE = (WAITING, "interrupted", CUT)
DAY = 86400
CLEAR = "\x1b[H\x1b[2J"  # a terminal's screen


@dataclass
class StatusConfig:
    """The keys of ``radexp status``."""

    runs: Any = "outputs"
    watch: float | None = None


def status(words: Sequence[str]) -> int:
    """Print one table for each study.

    Args:
        words: ``runs=`` and ``watch=``.

    Returns:
        The exit status: 1 if a job diverged, ran out of memory or failed.

    Raises:
        UsageError: If a key is unknown, there is no job, or a list of jobs is damaged.
    """
    if wants_help(words):
        print(HELP)
        return 0
    config = read_words(words, StatusConfig)
    watch = config.watch
    possible = watch is None or 0 < watch <= DAY
    require(possible, f"watch={watch}", f"above 0 and up to {DAY} seconds", "try watch=10")
    runs = config.runs if isinstance(config.runs, list) else [config.runs]
    require(bool(runs), "runs=[]", "at least one folder", "try runs=outputs")
    while True:
        studies = look([Path(str(path)) for path in runs])
        text = "\n\n".join(describe_study(study, states) for study, states in studies.items())
        print(f"{CLEAR if watch and sys.stdout.isatty() else ''}{text}", flush=True)
        found = {state.state for states in studies.values() for state in states}
        if watch is None or not found & {WAITING, RUNNING}:
            return 1 if found & set(BAD) else 0
        time.sleep(watch)


def look(paths: Sequence[Path]) -> dict[Path, list[JobState]]:
    """Return where every job below some folders is, by study.

    Raises:
        UsageError: If there is no job below one of them, a folder cannot be read, or a list of jobs
            is damaged.
    """
    studies: dict[Path, list[JobState]] = {}
    for path in paths:
        try:
            found = _look_below(path)
        except OSError as error:
            raise UsageError(
                f"{error.filename}: it cannot be read ({error.strerror}); allowed is a folder of "
                "yours; try runs=outputs"
            ) from error
        if not any(found.values()):
            raise UsageError(
                one_line(
                    f"{path}: no jobs in it; allowed is a folder that radexp train, tune or "
                    "reproduce wrote into, or one above; try runs=outputs"
                )
            )
        studies |= found
    return studies


def _look_below(top: Path) -> dict[Path, list[JobState]]:
    if is_begun(top):
        return {top.parent: [read_state(top.parent, job_in(top))]}
    studies = {}
    for name, below, _ in os.walk(top):
        study = Path(name)
        jobs = jobs_of(study)
        if jobs:
            studies[study] = [read_state(study, job) for job in jobs]
        names = {job.run_id for job in jobs}
        below[:] = sorted(child for child in below if child not in names and child[0] != ".")
    return studies


def describe_study(study: Path, states: Sequence[JobState]) -> str:
    """Return a study's table: a line that counts its jobs, then one line for each of them."""
    counts = Counter(state.state for state in states)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    width = max(len(printable(state.job.run_id)) for state in states)
    lines = [
        f"{printable(str(study))}: {len(states)} {'jobs' if len(states) > 1 else 'job'}: {told}"
    ]
    lines += [_describe(state, width) for state in states]
    left = sum(counts[state] for state in RESUMABLE)
    if left and not counts[RUNNING]:
        them = "it" if left == 1 else f"the {left} left"
        lines.append(f"nothing runs; the command that asked for {them}, given again, goes on")
    return "\n".join(lines)


def _describe(state: JobState, width: int) -> str:
    """Return a job's line: its state, how much is done of what was asked for, its name, why."""
    job, done = state.job, ""
    if job.is_run and state.state != WAITING:
        part = f"{share(state.iteration, job.iterations):.0%}"
        done = f"{state.iteration}/{job.iterations or '?'} {part:>4}"
    elif job.is_run:
        done = f"0/{job.iterations}   0%"
    name = printable(job.run_id)
    return f"  {state.state:<13} {done:>18}  {name:<{width}}  {state.note}".rstrip()
