"""From a plan to a trainer: the seeded network, optimizer, data and batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from radexp.config import OptimizerConfig
from radexp.data import IndexStream, bootstrap_indices
from radexp.experiments.plan import Plan
from radexp.layers import Estimator, randomize
from radexp.models import build_model
from radexp.seeding import derive_seed
from radexp.training import Trainer


def build_trainer(plan: Plan) -> Trainer:
    """Build a run's trainer at iteration 0.

    Initial weights, bootstrap, batches and sketches are drawn from the run's seed, each in a
    stream of its own. Runs that differ in their estimator alone start from the same weights and
    train on the same bootstrap, so they can be compared in pairs.
    """
    config, device = plan.config, torch.device(plan.config.device)
    dataset = plan.dataset
    torch.manual_seed(derive_seed(config.seed, "torch"))
    model = build_model(config.model, dataset.input_shape, dataset.num_classes).to(device)
    randomize(
        model, Estimator.from_config(plan.estimator), seed=derive_seed(config.seed, "sketches")
    )
    indices = counts = None
    if config.training.bootstrap:
        indices = bootstrap_indices(dataset.num_examples, derive_seed(config.seed, "bootstrap"))
        counts = torch.bincount(indices, minlength=dataset.num_examples)
    stream = IndexStream(
        dataset.num_examples, plan.batch_size, derive_seed(config.seed, "batches"), indices
    )
    optimizer = build_optimizer(config.optimizer, model)
    return Trainer(
        model=model,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.StepLR(
            optimizer, config.optimizer.decay_every, config.optimizer.decay
        ),
        dataset=dataset.to(device),
        stream=stream,
        config=config.training,
        counts=counts,
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
