"""What a plan and a run need to know of a task: the one place where tasks are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import nn

from radexp.config import CLASSIFICATION, CONTROL, EstimatorConfig, TrainConfig
from radexp.data import Dataset
from radexp.experiments.classification import ClassificationWorkload
from radexp.experiments.control import ControlWorkload
from radexp.training import Task


class Workload(Protocol):
    """A task under a configuration: its bytes before there is a run, its objects for one."""

    @property
    def data_sha256(self) -> str | None:
        """Digest of the data; None if there are none."""

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters."""

    def device(self) -> torch.device:
        """Return the device that the configuration names, if the task can run there."""

    def batch_size(self, estimator: EstimatorConfig) -> int:
        """Return the examples per step."""

    def by_layer(self, estimator: EstimatorConfig) -> dict[str, int]:
        """Predict what autograd will hold, parameters apart, by the layer's name."""

    def candidates(self, free: str) -> Sequence[int]:
        """Return the values of a whole free number that a budget may choose, by rising bytes."""

    def default(self, free: str) -> int:
        """Return its value where there is no budget."""

    def allocate(self, estimator: EstimatorConfig, room: int) -> EstimatorConfig:
        """Settle each layer's number so that autograd holds at most ``room`` bytes, if it can."""

    def build(self, estimator: EstimatorConfig, device: torch.device) -> tuple[nn.Module, Task]:
        """Return the model, from the run's seed, and its task."""


KINDS: dict[str, Callable[[TrainConfig, Dataset | None], Workload]] = {
    CLASSIFICATION: ClassificationWorkload,
    CONTROL: ControlWorkload,
}


def make_workload(config: TrainConfig, dataset: Dataset | None = None) -> Workload:
    """Return the workload of a configuration.

    Args:
        config: The request.
        dataset: Data to use instead of those that the request names.

    Raises:
        UsageError: If something that was asked for is impossible.
    """
    return KINDS[config.model.task](config, dataset)
