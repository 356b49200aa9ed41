"""Submitted jobs, followed until they have left the queue; their records tell what came of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

import submitit
from hydra.core.utils import JobReturn, JobStatus
from submitit.core.utils import DelayedSubmission, FailedJobError

from radexp.experiments.device import DEVICE_VARIABLE

SQUEUE = ("squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}")
LEAST_SECONDS, MOST_SECONDS = 5, 60
ANSWER_SECONDS = 30


class Queue:
    """Which of the user's jobs Slurm still has: waiting, running or about to be run again.

    It stands in for submitit's own watcher, which asks sacct: without accounting that knows of no
    job, so that one which was killed or cancelled would be waited for without end.
    """

    def __init__(self) -> None:
        self._answers: list[frozenset[str]] = []
        self._asked = self._wait = 0.0

    def is_done(self, job_id: str, mode: str = "standard") -> bool:
        """Tell whether Slurm's last two answers did not list a job.

        One is not enough: a job that was killed and is requeued by hand is not listed in between.

        Args:
            job_id: Such as ``7_0``, task 0 of array 7.
            mode: Submitit's word for how eagerly to ask.
        """
        if time.monotonic() >= self._asked + self._wait:
            self._ask()
        return len(self._answers) == 2 and not any(job_id in answer for answer in self._answers)

    def _ask(self) -> None:
        """Ask Slurm, less and less often; no answer counts for nothing."""
        self._asked = time.monotonic()
        self._wait = min(MOST_SECONDS, max(LEAST_SECONDS, 1.2 * self._wait))
        # The user's SQUEUE_STATES and the like would hide jobs.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SQUEUE_")}
        try:
            done = subprocess.run(
                SQUEUE,
                capture_output=True,
                text=True,
                check=False,
                env=environment,
                timeout=ANSWER_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return
        if done.returncode == 0:
            self._answers = [*self._answers[-1:], frozenset(done.stdout.split())]


class _Followed:
    """A submitted job as Hydra's launcher uses it."""

    def __init__(self, job: submitit.Job[Any]) -> None:
        self._job = job

    def results(self) -> list[JobReturn]:
        """Wait until the job has left the queue.

        Its result is left unread: a job that was killed has none, and for that submitit would raise
        an error and follow the others no more.
        """
        try:
            self._job.wait()
        except KeyboardInterrupt:
            if isinstance(self._job, submitit.SlurmJob):
                array = self._job.job_id.partition("_")[0]
                print(
                    f"radexp: Slurm job {array} goes on; scancel {array} stops it", file=sys.stderr
                )
            raise
        return [JobReturn(status=JobStatus.COMPLETED)]


@dataclass(frozen=True)
class _Planned:
    """A job's call and its device: sbatch need not hand on the environment (SBATCH_EXPORT=NONE)."""

    function: Callable[..., Any]
    device: str

    def __call__(self, *arguments: Any) -> Any:
        os.environ[DEVICE_VARIABLE] = self.device
        return self.function(*arguments)

    def checkpoint(self, *arguments: Any) -> DelayedSubmission:
        """Return what a requeued job calls: the same."""
        return DelayedSubmission(self, *arguments)


@contextmanager
def following_jobs() -> Iterator[None]:
    """Let Hydra's submitit launchers follow all their jobs to the end."""
    before = submitit.AutoExecutor
    submitit.AutoExecutor = _Executor  # type: ignore[misc]  # the launcher looks it up here
    try:
        yield
    finally:
        submitit.AutoExecutor = before  # type: ignore[misc]


class _Executor(submitit.AutoExecutor):
    """Submits jobs, says which, and says in one line why it could not."""

    def map_array(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Submit a call for each element of the arguments, as one array.

        Raises:
            SystemExit: If Slurm refuses, with the message.
        """
        device = os.environ.get(DEVICE_VARIABLE)
        if device is not None:
            function = _Planned(function, device)
        try:
            with redirect_stderr(StringIO()):  # it prints what it raises
                jobs = super().map_array(function, *arguments)
        except FailedJobError as error:
            raise SystemExit(
                f"hydra.launcher: {error}: allowed is what this cluster has (see sinfo); "
                "set hydra.launcher.partition=NAME and the like"
            ) from error
        queue = Queue()
        for job in jobs:
            if isinstance(job, submitit.SlurmJob):
                job.watcher = queue  # type: ignore[assignment]
        return [_Followed(job) for job in jobs]
