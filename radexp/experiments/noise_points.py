"""The gradient noise of several plans, at several points of one training run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from radexp.config import TrainConfig, load_estimator_config
from radexp.errors import UsageError, require
from radexp.experiments.build import build_trainer
from radexp.experiments.folder import RunFolder
from radexp.experiments.plan import Plan, hash_config
from radexp.seeding import derive_seed
from radexp.training import Task, load_checkpoint
from radexp.training.noise import Gradient, exact_gradient, gradient_noise

Weights = Mapping[str, Tensor]


def drawing_anew(config: TrainConfig) -> TrainConfig:
    """Return a configuration that draws batches and sketches of its own, from all examples.

    Batches that a network was trained on would not be independent of its weights.
    """
    training = dataclasses.replace(config.training, bootstrap=False)
    return dataclasses.replace(config, seed=derive_seed(config.seed, "noise"), training=training)


def trained_weights(plan: Plan, iterations: Sequence[int]) -> Iterator[tuple[int, Weights]]:
    """Train a plan's model, and yield its weights at some iterations, in rising order.

    Args:
        plan: What to train.
        iterations: When to stop for a while; 0 is before the first step.
    """
    trainer, done = build_trainer(plan), 0
    for iteration in sorted(set(iterations)):
        for _ in range(iteration - done):
            trainer.step(trainer.task.next_batch(), with_norm=False)
        done = iteration
        yield iteration, {name: t.clone() for name, t in trainer.model.state_dict().items()}


def run_weights(folder: Path) -> tuple[TrainConfig, int, Weights]:
    """Return the configuration of a run, and the iteration and weights of its last checkpoint.

    Args:
        folder: ``OUTPUT/STUDY/RUN_ID``.

    Raises:
        UsageError: If the folder has no run, no checkpoint, or a damaged one.

    Example:
        >>> run_weights(Path("nowhere"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        radexp.errors.UsageError: nowhere/config.yaml: it cannot be read (FileNotFoundError); ...

    Source: ours.
    """
    config = RunFolder(folder).read_config()
    state = load_checkpoint(RunFolder(folder).checkpoint, hash_config(config))
    if state is None:
        raise UsageError(
            f"run={folder}: there is no checkpoint in it; allowed is the folder of a run that "
            "has begun; train it first"
        )
    try:
        trainer = state["trainer"]
        return config, int(trainer["progress"]["iteration"]), dict(trainer["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"run={folder}: its checkpoint has no iteration or no weights ({error}); allowed is "
            "one that radexp train wrote; train it again"
        ) from error


def measure_noise(
    plans: Mapping[str, Plan],
    weights: Weights,
    repetitions: int,
    advance: Callable[[], object] = lambda: None,
) -> list[dict[str, Any]]:
    """Measure the gradient noise of all plans at some weights.

    Plans of the same batch size are measured on the same batches.

    Args:
        plans: By name; of one model and one data set.
        weights: The model's.
        repetitions: Gradients to draw of each.
        advance: Called after each gradient.

    Returns:
        Rows of ``gradient_noise``.

    Raises:
        UsageError: If the exact gradient is zero or not finite.

    Example:
        >>> from radexp.config import DataConfig, ModelConfig, OptimizerConfig
        >>> from radexp.experiments.plan import make_plan
        >>> parts = ModelConfig("mlp", hidden=[4]), DataConfig("digits")
        >>> rad = load_estimator_config("rad", keep=0.5)
        >>> plan = make_plan(TrainConfig(*parts, rad, OptimizerConfig("sgd")))
        >>> ((_, weights),) = trained_weights(plan, [0])
        >>> rows = measure_noise({"rad": plan}, weights, repetitions=2)
        >>> len(rows), [row["layer"] for row in rows[:2]], rows[0]["sketch"] > 0
        (4, ['1', '3'], True)

    Source: ours; what the two parts of the noise are is in docs/variance.md.
    """
    reference: Gradient = {}
    rows = []
    for size in sorted({plan.batch_size for plan in plans.values()}, reverse=True):
        members = {name: plan for name, plan in plans.items() if plan.batch_size == size}
        first = next(iter(members.values()))
        exact, _ = with_weights(first, weights, stock=True)
        _, task = first.workload.build(first.estimator, torch.device(first.config.device))
        reference = reference or reference_gradient(exact, task)
        models = {
            name: exact if is_exact(plan) else with_weights(plan, weights)[0]
            for name, plan in members.items()
        }
        rows += gradient_noise(exact, models, task, reference, repetitions, advance)
    return rows


def reference_gradient(model: nn.Module, task: Task) -> Gradient:
    """Return the exact gradient, by which errors can be divided.

    Args:
        model: With stock layers.
        task: Whose loss.

    Raises:
        UsageError: If it is zero or not finite.
    """
    found = exact_gradient(model, task)
    size = float(sum(vector.square().sum() for vector in found.values())) ** 0.5
    require(
        0 < size < math.inf,
        f"an exact gradient of size {size:g} at this point of training",
        "a finite one above 0",
        "lower optimizer.lr or at",
    )
    return found


def is_exact(plan: Plan) -> bool:
    """Tell whether a plan's gradients are those of its batches."""
    estimator = plan.estimator
    return estimator.sketch == "exact" or estimator.keep == 1


def with_weights(plan: Plan, weights: Weights, stock: bool = False) -> tuple[nn.Module, Task]:
    """Return a plan's model, or its stock counterpart, with the given weights, and its task.

    Args:
        plan: Of the model that the weights are of.
        weights: The model's.
        stock: Leave the estimator aside.

    Raises:
        UsageError: If the weights are of another model.
    """
    estimator = load_estimator_config("exact") if stock else plan.estimator
    model, task = plan.workload.build(estimator, torch.device(plan.config.device))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"weights that do not fit model={plan.config.model.name}: allowed are those of a run "
            "of the same sizes; name another run"
        ) from error
    return model, task
