"""A job: a training run, or the measurement that its request names in place of one."""

from __future__ import annotations

from typing import Any

from radexp.config import TrainConfig
from radexp.experiments import run
from radexp.experiments.measurement import Measurement, carry_out, make_measurement
from radexp.experiments.plan import Plan, make_plan


def make_job(config: TrainConfig) -> Plan | Measurement:
    """Plan what a request asks for; compute and write nothing.

    Args:
        config: The request.

    Raises:
        UsageError: If something that was asked for is impossible.
    """
    return make_plan(config) if config.measure is None else make_measurement(config)


def execute(job: Plan | Measurement, show_progress: bool = True) -> dict[str, Any]:
    """Carry out a job and write its record.

    Args:
        job: What to do.
        show_progress: Draw a run's progress bar, if standard error is a terminal.

    Returns:
        The contents of summary.json.

    Raises:
        UsageError: As ``radexp.experiments.run.execute`` and ``carry_out``.
    """
    if isinstance(job, Measurement):
        return carry_out(job)
    return run.execute(job, show_progress)
