"""Why RAD's noisier gradient trains faster than the small batch's: where the two noises point.

A step w - s (G + d) with noise d of mean zero changes the loss by -s |G|^2 + s^2/2 (G'HG + d'Hd)
to second order, with the Hessian H: noise costs d'Hd, not |d|^2. Measured are both, over |G|^2, for
the exact batch, RAD and the small batch of equal bytes, on MNIST; and d'Hd once more with G and d
scaled entry by entry by Adam's second moments in that training.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from radexp.commands.composing import compose_jobs
from radexp.config import TrainConfig, load_estimator_config
from radexp.experiments.build import build_trainer
from radexp.experiments.environment import describe_environment
from radexp.experiments.noise_arms import Arm, compared_arms
from radexp.experiments.noise_points import drawing_anew
from radexp.experiments.plan import make_plan
from radexp.training import Trainer

POINTS = (0, 500, 5000)
KEEP = 0.1
ARMS = ("exact", "rad", "small_batch")
CURVATURE_EXAMPLES = 6000
EPSILON = 1e-8  # Adam's
# The exact baseline's, as published.
WORDS = ["model=mlp", "data=mnist", "estimator=exact", "threads=1"]
WORDS += ["optimizer.lr=1.35e-3", "optimizer.weight_decay=4.066478e-7"]


def flat_gradient(model: nn.Module, x: Tensor, y: Tensor, graph: bool = False) -> Tensor:
    """Return the gradient of the mean loss as one vector."""
    loss = cross_entropy(model(x), y)
    parts = torch.autograd.grad(loss, list(model.parameters()), create_graph=graph)
    return torch.cat([part.flatten() for part in parts])


class Curvature:
    """The Hessian of the training loss at a model's weights, by its products with vectors."""

    def __init__(self, model: nn.Module, x: Tensor, y: Tensor) -> None:
        self._parameters = list(model.parameters())
        self._gradient = flat_gradient(model, x, y, graph=True)

    def __call__(self, vector: Tensor) -> float:
        """Return v'Hv."""
        product = torch.autograd.grad(self._gradient @ vector, self._parameters, retain_graph=True)
        return float(torch.cat([part.flatten() for part in product]) @ vector)


def adam_scale(trainer: Trainer) -> Tensor:
    """Return 1 / (sqrt(v) + epsilon) for every parameter; ones before the first step."""
    states = [trainer.optimizer.state.get(p) for p in trainer.model.parameters()]
    if not all(states):
        return torch.ones(sum(p.numel() for p in trainer.model.parameters()))
    steps = max(1, trainer.progress.iteration)
    moments = torch.cat([state["exp_avg_sq"].flatten() for state in states if state])
    return 1 / ((moments / (1 - 0.999**steps)).sqrt() + EPSILON)


def arms_of(config: TrainConfig) -> list[Arm]:
    """Return the exact batch, RAD and the small batch of equal bytes."""
    arms = compared_arms(drawing_anew(config), [KEEP])
    return [arm for arm in arms if arm.plan.estimator.name in ARMS]


def rows_at(trainer: Trainer, arms: list[Arm], draws: int) -> Iterator[dict[str, Any]]:
    """Yield one row for each arm and draw at the trainer's weights."""
    train = trainer.task.dataset.train  # type: ignore[attr-defined]
    exact = flat_gradient(trainer.model, train.inputs, train.labels)
    few = slice(0, CURVATURE_EXAMPLES)
    curvature = Curvature(trainer.model, train.inputs[few].clone(), train.labels[few].clone())
    scale = adam_scale(trainer)
    size, scaled_size = exact @ exact, (scale * exact) @ (scale * exact)
    for arm in arms:
        model, task = arm.plan.workload.build(arm.plan.estimator, torch.device("cpu"))
        model.load_state_dict(trainer.model.state_dict())
        for draw in range(draws):
            x, y = task.next_batch()  # type: ignore[misc]
            noise = flat_gradient(model, x, y) - exact
            yield {
                **{"iteration": trainer.progress.iteration, "arm": arm.name, "draw": draw},
                "variance": float(noise @ noise / size),
                "curved": curvature(noise) / float(size),
                "adam_curved": curvature(scale * noise) / float(scaled_size),
            }


def measure(draws: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of all points of an exact training."""
    (config,) = compose_jobs(WORDS, multirun=False)
    config = dataclasses.replace(config, estimator=load_estimator_config("exact"))
    trainer, arms = build_trainer(make_plan(config)), arms_of(config)
    for point in POINTS:
        while trainer.progress.iteration < point:
            trainer.step(trainer.task.next_batch(), with_norm=False)
            trainer.progress.iteration += 1
        yield from rows_at(trainer, arms, draws)


def main() -> None:
    """Write directions.csv and environment.json, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="such as results/gradient_noise/directions")
    parser.add_argument("--draws", type=int, default=60)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = pd.DataFrame(tqdm(measure(arguments.draws), unit="row", disable=None))
    rows.to_csv(
        arguments.folder / "directions.csv",
        index=False,
        lineterminator="\n",
        float_format="%.6g",
    )
    environment = json.dumps(describe_environment(torch.device("cpu")), indent=2)
    (arguments.folder / "environment.json").write_text(f"{environment}\n", encoding="utf-8")
    means = rows.drop(columns="draw").groupby(["iteration", "arm"], sort=False).agg(["mean", "sem"])
    print(means.to_string(float_format="%.3g"))


if __name__ == "__main__":
    main()
