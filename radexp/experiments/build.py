"""From a plan to a trainer: the seeded model, its task and its optimizer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from radexp.config import OptimizerConfig
from radexp.experiments.plan import Plan
from radexp.training import Trainer


def build_trainer(plan: Plan) -> Trainer:
    """Build a run's trainer at iteration 0; everything random comes from the run's seed."""
    config = plan.config
    model, task = plan.workload.build(plan.estimator, torch.device(config.device))
    optimizer = build_optimizer(config.optimizer, model)
    return Trainer(
        model=model,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.StepLR(
            optimizer, config.optimizer.decay_every, config.optimizer.decay
        ),
        task=task,
        config=config.training,
        clip_norm=config.optimizer.clip_norm,
    )


def build_optimizer(config: OptimizerConfig, model: nn.Module) -> torch.optim.Optimizer:
    """Build the optimizer; weight decay is L2 inside the gradient, as the paper has it."""
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "sgd": torch.optim.SGD,
    }
    return kinds[config.name](
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, foreach=True
    )
