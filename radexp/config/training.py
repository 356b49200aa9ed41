"""How long to train, and what to write down when."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from radexp.errors import require


@dataclass
class TrainingConfig:
    """How long to train, on how many examples a step, and what to write down when.

    Attributes:
        iterations: Optimizer steps.
        batch_size: Examples per step (a small batch has its own ``estimator.batch_size``).
        bootstrap: Train on a bootstrap of the training set, one per seed.
        log_every: Iterations between two ``batch`` rows of metrics.csv.
        evaluate_every: Iterations between two evaluations on the test set.
        evaluate_train_every: Iterations between two evaluations on the whole training set.
        checkpoint_every: Iterations between two checkpoints.
    """

    iterations: int = 2000
    batch_size: int = 150
    bootstrap: bool = True
    log_every: int = 50
    evaluate_every: int = 400
    evaluate_train_every: int = 400
    checkpoint_every: int = 1000

    def __post_init__(self) -> None:
        """Refuse counts below one."""
        for count in dataclasses.fields(self):
            value = getattr(self, count.name)
            require(
                isinstance(value, bool) or value >= 1,
                f"training.{count.name}={value}",
                "a whole number of at least 1",
                f"try training.{count.name}={count.default}",
            )
