"""One cell of the memory table: what a training step needs, predicted and measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from radexp.config import TrainConfig, describe_sizes
from radexp.data import Dataset, Split
from radexp.experiments.build import build_trainer
from radexp.experiments.environment import describe_environment
from radexp.experiments.plan import Plan, make_plan
from radexp.memory import LayerLedger, SavedBytesMeter
from radexp.training import Trainer, measure_step


@dataclass(frozen=True)
class MemoryCell:
    """What one configuration needs.

    Attributes:
        numbers: A row of the table: bytes predicted and measured, and the step's peak.
        layers: For each layer its name, kind, and bytes predicted and measured.
        environment: What the measuring process ran on: its device, its threads, the packages.
    """

    numbers: dict[str, Any]
    layers: list[dict[str, Any]]
    environment: dict[str, Any]


def random_dataset(input_shape: tuple[int, ...], num_classes: int, num_examples: int) -> Dataset:
    """Return noise in the shape of a data set: memory depends on shapes alone."""
    draws = torch.Generator().manual_seed(0)
    inputs = torch.rand(num_examples, *input_shape, generator=draws)
    split = Split(inputs, torch.arange(num_examples) % num_classes)
    return Dataset("noise", split, split, num_classes)


def measure_cell(config: TrainConfig, input_shape: tuple[int, ...], num_classes: int) -> MemoryCell:
    """Predict and measure the memory of one training step.

    The step is the one that ``radexp train`` takes, measured as it measures it, on noise.

    Args:
        config: The request.
        input_shape: Shape of one example.
        num_classes: Classes to tell apart.
    """
    torch.set_num_threads(config.threads or 1)
    dataset = random_dataset(input_shape, num_classes, config.training.batch_size)
    plan = make_plan(config, dataset)
    trainer = build_trainer(plan)
    memory = measure_step(trainer)
    environment = describe_environment(torch.device(plan.config.device))
    numbers = {
        "model": config.model.name,
        "sizes": describe_sizes(asdict(config.model)),
        "input": "x".join(map(str, input_shape)),
        "estimator": plan.estimator.name,
        "keep": plan.estimator.kept_fraction or 1.0,
        "batch_size": plan.batch_size,
        "whole_batch_size": config.training.batch_size,
        "lean": plan.estimator.lean,
        "device": environment["device"],
        "threads": environment["threads"],
        "parameter_bytes": plan.parameter_bytes,
        "predicted_saved_bytes": plan.predicted_saved_bytes,
        "measured_saved_bytes": memory.saved_bytes,
        **{f"peak_{name}_bytes": size for name, size in memory.peak_bytes.items()},
    }
    return MemoryCell(numbers, _layers(plan, trainer), environment)


def _layers(plan: Plan, trainer: Trainer) -> list[dict[str, Any]]:
    """Predict and measure what each layer holds during one more step, of its first part."""
    _, part = next(trainer.task.parts(trainer.task.next_batch()))
    meter = SavedBytesMeter(trainer.model.parameters())
    with meter, LayerLedger(trainer.model, meter) as ledger:
        loss = trainer.task.loss(trainer.model, part)
    del loss
    kinds = {name: type(module).__name__ for name, module in trainer.model.named_modules()}
    return [
        {
            "layer": name,
            "kind": kinds.get(name, "loss"),
            "predicted_saved_bytes": plan.predicted_by_layer[name],
            "measured_saved_bytes": size,
        }
        for name, size in ledger.saved_bytes.items()
    ]
