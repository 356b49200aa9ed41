"""The whole request of one run, and the checks that need more than one part of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from omegaconf import MISSING, OmegaConf

from radexp.config.data import DataConfig
from radexp.config.estimator import EstimatorConfig
from radexp.config.measure import MeasureConfig
from radexp.config.model import ModelConfig
from radexp.config.optimizer import OptimizerConfig
from radexp.config.task import CONTROL, DEFAULT_DATA, NO_DATA, options_for
from radexp.config.training import TrainingConfig
from radexp.config.tune import TuneConfig
from radexp.errors import require

DEVICES = ("auto", "cpu", "cuda")
MOST_THREADS = 1024


@dataclass
class TrainConfig:
    """Everything that ``radexp train`` can be told.

    Attributes:
        budget: Parameters plus everything autograd holds, for example ``1.8MB`` or ``10%``.
        seed: The run's seed: bootstrap, batches, initial weights and sketches.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads; null for PyTorch's default.
        study: Name of the folder, below ``output``, that holds the runs.
        preset: How large an experiment is: ``smoke``, ``quick``, ``reduced`` or ``paper``.
        scales: An experiment's sizes by preset; its other keys interpolate into it.
        tuned: An experiment's hyper-parameters by estimator; likewise.
        tune: What ``radexp tune`` draws from.
        output: Folder that everything is written to.
        measure: What to measure in place of training; null to train.
    """

    model: ModelConfig = MISSING
    data: DataConfig = MISSING
    estimator: EstimatorConfig = MISSING
    optimizer: OptimizerConfig = MISSING
    training: TrainingConfig = field(default_factory=TrainingConfig)
    budget: str | None = None
    seed: int = 0
    device: str = "auto"
    threads: int | None = None
    study: str = "train"
    preset: str = "quick"
    scales: dict[str, Any] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)
    tune: TuneConfig = field(default_factory=TuneConfig)
    output: str = "outputs"
    measure: MeasureConfig | None = None

    def __post_init__(self) -> None:
        """Refuse a free number that is both set and solved, and values out of range."""
        if self.data.name == DEFAULT_DATA:
            self.data = replace(self.data, name=self.model.default_data)
        self._check_task()
        free = self.estimator.free
        number = "layer_keep" if self.estimator.layer_keep else free
        value = getattr(self.estimator, number) if number else None
        require(
            self.budget is None or free is None or not self.estimator.settled,
            f"budget={self.budget} and estimator.{number}={value}",
            "one of the two, as the budget solves that number",
            f"drop budget or estimator.{number}",
        )
        part, whole = self.estimator.micro_batch, self.training.batch_size
        require(
            part is None or part <= whole,
            f"estimator.micro_batch={part} with training.batch_size={whole}",
            f"a whole number from 1 to {whole}",
            "lower it or raise training.batch_size",
        )
        require(
            self.device in DEVICES, f"device={self.device}", ", ".join(DEVICES), "try device=auto"
        )
        require(
            self.threads is None or 1 <= self.threads <= MOST_THREADS,
            f"threads={self.threads}",
            f"a whole number from 1 to {MOST_THREADS}, or null",
            "try threads=1",
        )
        require(
            re.fullmatch("[a-z0-9][a-z0-9._-]{0,79}", self.study) is not None,
            f"study={self.study}",
            "up to 80 of the characters a-z 0-9 . _ -, the first a letter or digit",
            "try study=train",
        )
        require(0 <= self.seed < 2**63, f"seed={self.seed}", "0 to 2**63 - 1", "try seed=0")

    def _check_task(self) -> None:
        """Refuse estimators and data that the model's task has no use for."""
        name, task = self.model.name, self.model.task
        require(
            name in options_for("model", task),
            f"model.task={task} with model={name}",
            "the task of its YAML",
            "leave out model.task",
        )
        require(
            self.estimator.task in (None, task),
            f"estimator={self.estimator.name} with model={name}",
            ", ".join(options_for("estimator", task)),
            "pick one of them",
        )
        without = task == CONTROL
        require(
            without == (self.data.name == NO_DATA),
            f"data={self.data.name} with model={name}",
            "no data, as it learns from its own equations" if without else "a data set",
            "leave out data",
        )
        size = self.training.batch_size
        require(
            not without or size == TrainingConfig.batch_size,
            f"training.batch_size={size} with model={name}",
            "no batch, as a step computes one trajectory",
            "leave out training.batch_size",
        )


def shown(value: Any) -> str:
    """Write a value for the template of ``radexp train --help``, much as it would be typed.

    Example:
        >>> shown([300, 300]), shown(None), shown("10%"), shown("$")
        ('[300, 300]', 'null', '10%', '$$')
    """
    text = value if isinstance(value, str) else json.dumps(value, default=list)
    return text.replace("$", "$$")


OmegaConf.register_new_resolver("shown", shown, replace=True)
