"""A measurement as a job: planned, carried out and recorded like a run."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch

from radexp.config import CLASSIFICATION, TrainConfig, load_estimator_config
from radexp.errors import UsageError, require
from radexp.experiments.bias_rows import check_bias, measure_bias
from radexp.experiments.depth_rows import depth_rows
from radexp.experiments.device import choose_device
from radexp.experiments.environment import describe_environment
from radexp.experiments.folder import FINAL_STATUSES, RunFolder, run_path
from radexp.experiments.frontier_rows import frontier_rows
from radexp.experiments.memory_rows import memory_rows
from radexp.experiments.noise_arms import noise_rows
from radexp.experiments.plan import hash_config
from radexp.experiments.workload import make_workload
from radexp.memory import is_out_of_memory

log = logging.getLogger("radexp")
DEFAULT_THREADS = torch.get_num_threads()
ROWS: dict[str, Callable[[TrainConfig], pd.DataFrame]] = {
    "memory": memory_rows,
    "bias": measure_bias,
    "noise": noise_rows,
    "depth": depth_rows,
    "frontier": frontier_rows,
}
WITHOUT_NETWORK = ("depth",)  # it builds its own
WITHOUT_DATA = ("depth", "memory")  # memory depends on the published shapes alone
# Keys and groups of keys that no measurement looks at; some look at fewer.
NO_EFFECT = (
    *("estimator", "budget", "training.iterations", "training.holdout", "training.log_every"),
    *("training.evaluate_every", "training.evaluate_train_every", "training.checkpoint_every"),
)
NO_EFFECT_ON = {
    "memory": ("data", "measure.budgets"),
    "bias": ("measure.budgets",),
    "noise": ("measure.budgets",),
    "frontier": ("measure.keeps",),
    "depth": ("data", "model", "optimizer", "training", "measure.keeps", "measure.budgets"),
}


@dataclass(frozen=True)
class Measurement:
    """What shall be measured: a request whose ``measure`` is set.

    Attributes:
        config: The request, with the device resolved.
    """

    config: TrainConfig

    @property
    def name(self) -> str:
        """Which measurement it is; its rows are in ``NAME.csv``."""
        assert self.config.measure is not None
        return self.config.measure.name

    @property
    def run_id(self) -> str:
        """A readable name and the hash, as a run's."""
        config, words = self.config, [self.name]
        if self.name not in WITHOUT_NETWORK:
            words.append(config.model.name)
        if self.name not in WITHOUT_DATA:
            words.append(config.data.name)
        slug = re.sub("[^a-z0-9._-]", "", "-".join([*words, f"s{config.seed}"]).lower())
        return f"{slug}-{hash_config(config)}"


def make_measurement(config: TrainConfig) -> Measurement:
    """Check a request for a measurement; measure and write nothing.

    Raises:
        UsageError: If something that was asked for is impossible.
    """
    name = Measurement(config).name
    given = f"measure={name}"
    require(
        config.model.task == CLASSIFICATION,
        f"{given} with model={config.model.name}",
        "a network",
        "pick another model, or see radexp variance for the reactor",
    )
    require(
        config.budget is None,
        f"{given} with budget={config.budget}",
        "no budget, as every fraction is measured",
        "drop budget and set measure.keeps",
    )
    plain = config.estimator == load_estimator_config("rad")
    require(
        plain and config.training.holdout == 0,
        f"{given} with words on the estimator or training.holdout",
        "neither, as it measures estimators of its own, on whole training sets",
        "drop them, or see radexp variance for estimators by name",
    )
    if name == "bias":
        check_bias(config)
    if name not in WITHOUT_DATA:
        make_workload(config, None)  # refuses data that are not there
    return Measurement(replace(config, device=choose_device(config.device).type))


def without_effect(words: Sequence[str], name: str) -> list[str]:
    """Return the overrides on keys that a measurement does not look at.

    Args:
        words: Overrides.
        name: Which measurement.

    Example:
        >>> without_effect(["estimator=rad", "seed=3", "model=cnn"], "depth")
        ['estimator=rad', 'model=cnn']
    """
    keys = (*NO_EFFECT, *NO_EFFECT_ON.get(name, ()))
    named = {word: word.lstrip("+").partition("=")[0] for word in words}
    return [
        word
        for word, given in named.items()
        if any(given == key or given.startswith(f"{key}.") for key in keys)
    ]


def carry_out(job: Measurement) -> dict[str, Any]:
    """Measure, and write the rows and the record.

    Args:
        job: What to measure.

    Returns:
        The contents of summary.json.

    Raises:
        UsageError: If the folder is in use or cannot be written, or a number is impossible.
    """
    folder = RunFolder(run_path(job))
    with folder.locked():
        summary = folder.read_summary()
        if summary is not None and summary["status"] in FINAL_STATUSES:
            return summary
        torch.set_num_threads(job.config.threads or DEFAULT_THREADS)
        with folder.logging():
            folder.forget_summary()
            return _record(job, folder)


def _record(job: Measurement, folder: RunFolder) -> dict[str, Any]:
    """Measure under the record's eyes: whatever happens, summary.json says so."""
    environment = describe_environment(torch.device(job.config.device))
    log.info("measuring in %s", environment)
    folder.write_config(job.config)
    folder.write_json("environment.json", environment)
    start, count = time.monotonic(), 0
    status, message = "failed", ""
    try:
        rows = ROWS[job.name](job.config)
        count = len(rows)
        text = rows.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        folder.write_text(f"{job.name}.csv", text)
        status = "completed"
    except KeyboardInterrupt:
        status, message = "interrupted", "stopped by a signal"
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        if isinstance(error, UsageError) or not is_out_of_memory(error):
            log.exception("the measurement failed")
            raise
        status = "out_of_memory"
    finally:
        summary = {
            "run_id": job.run_id,
            "status": status,
            "message": message or None,
            "measured": job.name,
            "rows": count,
            "seconds": time.monotonic() - start,
        }
        summary = folder.write_summary(summary)
    return summary
