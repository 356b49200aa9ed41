"""From a configuration to a plan: the data, the solved free number, the predicted bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache

import torch
from omegaconf import OmegaConf

from radexp.config import EstimatorConfig, ModelConfig, TrainConfig, load_estimator_config
from radexp.data import Dataset, load_dataset
from radexp.errors import UsageError
from radexp.layers import Estimator, randomize
from radexp.layers.estimator import DEFAULT_KEEP
from radexp.memory import (
    Budget,
    format_bytes,
    parameter_bytes,
    predict_by_layer,
    solve_largest,
)
from radexp.models import build_model
from radexp.training import classification_loss

DEFAULT_SMALL_BATCH = 20
# A solved kept fraction is a whole number of these: the step between two values is too small to
# matter, and the number reads well in a record.
KEEP_STEPS = 10**6


@dataclass(frozen=True)
class Plan:
    """All that is known about a run before it starts.

    Attributes:
        config: The request, with the device resolved.
        dataset: The data, on the CPU.
        estimator: The estimator's settings with its free number settled.
        batch_size: Examples per step.
        parameter_bytes: Bytes of the parameters.
        predicted_by_layer: What autograd will hold, parameters apart, by the layer's name.
        budget_bytes: The limit on the sum of both, or None.
    """

    config: TrainConfig
    dataset: Dataset
    estimator: EstimatorConfig
    batch_size: int
    parameter_bytes: int
    predicted_by_layer: dict[str, int]
    budget_bytes: int | None

    @property
    def predicted_saved_bytes(self) -> int:
        """What autograd will hold, parameters apart."""
        return sum(self.predicted_by_layer.values())

    @property
    def over_budget(self) -> bool:
        """Whether the prediction is above the limit: only an estimator without a free number."""
        total = self.parameter_bytes + self.predicted_saved_bytes
        return self.budget_bytes is not None and total > self.budget_bytes

    @property
    def config_hash(self) -> str:
        """Hash of everything in the configuration that decides the run's numbers."""
        return hash_config(self.config)

    @property
    def run_id(self) -> str:
        """A readable name and the hash: the same request always has the same."""
        config = self.config
        words = [config.model.name, config.data.name, config.estimator.name]
        if config.budget is not None:
            words.append(config.budget.replace("%", "pct"))
        slug = "-".join([*words, f"s{config.seed}"]).lower()
        return f"{re.sub('[^a-z0-9._-]', '', slug)}-{self.config_hash}"


def resolve_device(name: str) -> torch.device:
    """Return the device that ``device=`` names; ``auto`` is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def hash_config(config: TrainConfig) -> str:
    """Hash a configuration without paths and without what was already interpolated from.

    Model keys at their schema's default are left out, so that a new key of ``ModelConfig`` leaves
    the hashes of other models' runs as they were. A default, once it is there, must not change.
    """
    values = dataclasses.asdict(config)
    for key in ("output", "preset", "scales", "tuned"):
        del values[key]
    del values["data"]["root"]
    defaults = OmegaConf.to_container(OmegaConf.structured(ModelConfig))
    assert isinstance(defaults, dict)
    model = values["model"]
    values["model"] = {key: model[key] for key in model if model[key] != defaults[key]}
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def make_plan(config: TrainConfig, dataset: Dataset | None = None) -> Plan:
    """Load the data, solve the free number and predict the bytes; write nothing.

    Args:
        config: The request.
        dataset: Data to use instead of those that the request names.

    Raises:
        UsageError: If something that was asked for is impossible.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "device=cuda: allowed here is cpu, no CUDA device was found; try device=cpu"
        )
    config = dataclasses.replace(config, device=resolve_device(config.device).type)
    if dataset is None:
        dataset = _load_dataset_once(config.data.name, config.data.root)
    predictor = _Predictor(config, dataset)
    limit = predictor.limit_bytes()
    estimator = _settle(config, predictor, limit)
    return Plan(
        config,
        dataset,
        estimator,
        predictor.batch_size(estimator),
        predictor.parameter_bytes,
        predictor.by_layer(estimator),
        limit,
    )


@lru_cache(maxsize=2)
def _load_dataset_once(name: str, root: str | None) -> Dataset:
    """Load a data set, once for all runs of a sweep in this process."""
    return load_dataset(name, root)


class _Predictor:
    """Predicts the bytes of one configuration under different estimator settings."""

    def __init__(self, config: TrainConfig, dataset: Dataset) -> None:
        self.config = config
        self.dataset = dataset
        with torch.device("meta"):
            self.model = build_model(config.model, dataset.input_shape, dataset.num_classes)
        self.parameter_bytes = parameter_bytes(self.model)

    def batch_size(self, estimator: EstimatorConfig) -> int:
        """Return the examples per step: the estimator's own number, if it has one."""
        return estimator.batch_size or self.config.training.batch_size

    def saved_bytes(self, estimator: EstimatorConfig) -> int:
        """Predict what autograd will hold, parameters apart."""
        return sum(self.by_layer(estimator).values())

    def by_layer(self, estimator: EstimatorConfig) -> dict[str, int]:
        """Predict what autograd will hold by layer."""
        randomize(self.model, Estimator.from_config(estimator))
        batch_size = self.batch_size(estimator)
        with torch.device("meta"):
            x = torch.empty(batch_size, *self.dataset.input_shape)
            y = torch.empty(batch_size, dtype=torch.int64)
        return predict_by_layer(self.model, classification_loss, x, y)

    def limit_bytes(self) -> int | None:
        """Return the budget in bytes, or None without one."""
        if self.config.budget is None:
            return None
        exact = self.saved_bytes(load_estimator_config("exact"))
        return Budget.parse(self.config.budget).limit_bytes(self.parameter_bytes, exact)


def _settle(config: TrainConfig, predictor: _Predictor, limit: int | None) -> EstimatorConfig:
    """Return the estimator's settings with its free number solved for, or at its default."""
    estimator = config.estimator
    free = estimator.free
    if free is None or getattr(estimator, free) is not None:
        return estimator

    def candidate(count: float) -> EstimatorConfig:
        if free == "keep":
            return dataclasses.replace(estimator, keep=count / KEEP_STEPS)
        return dataclasses.replace(estimator, batch_size=int(count))

    if limit is None:
        return candidate(DEFAULT_KEEP * KEEP_STEPS if free == "keep" else DEFAULT_SMALL_BATCH)

    def total_bytes(count: int) -> int:
        return predictor.parameter_bytes + predictor.saved_bytes(candidate(count))

    most = KEEP_STEPS if free == "keep" else config.training.batch_size
    # Keeping everything needs no bits for ReLU, so it can fit where keeping almost all does not.
    if total_bytes(most) <= limit:
        return candidate(most)
    solved = solve_largest(1, most - 1, lambda count: total_bytes(count) <= limit)
    if solved is None:
        least = total_bytes(1)
        raise UsageError(
            f"budget={config.budget}: allowed is at least {least}B ({format_bytes(least)}) for "
            f"model={config.model.name} estimator={estimator.name}; raise the budget or take a "
            "smaller model or training.batch_size"
        )
    return candidate(solved)
