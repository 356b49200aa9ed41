"""How long to train, and what to write down when."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from radexp.errors import require

MOST_ITERATIONS = 10**12
# With the largest layers, the bytes of a batch still fit into 64 bits.
LARGEST_BATCH = 10**7


@dataclass
class TrainingConfig:
    """How long to train, on how many examples a step, and what to write down when.

    Attributes:
        iterations: Optimizer steps.
        batch_size: Examples per step (a small batch has its own ``estimator.batch_size``).
        bootstrap: Train on a bootstrap of the training set, one per seed.
        log_every: Iterations between two ``batch`` rows of metrics.csv.
        evaluate_every: Iterations between two evaluations on the test set, or on what is held out.
        evaluate_train_every: Iterations between two evaluations on the whole training set.
        checkpoint_every: Iterations between two checkpoints.
        holdout: Training examples held out for validation; the test set is then not looked at.
    """

    iterations: int = 2000
    batch_size: int = 150
    bootstrap: bool = True
    log_every: int = 50
    evaluate_every: int = 400
    evaluate_train_every: int = 400
    checkpoint_every: int = 1000
    holdout: int = 0

    def __post_init__(self) -> None:
        """Refuse counts below one, but for the held-out part, and those beyond any machine."""
        for count in dataclasses.fields(self):
            value, least = getattr(self, count.name), 0 if count.name == "holdout" else 1
            most = LARGEST_BATCH if count.name == "batch_size" else MOST_ITERATIONS
            require(
                isinstance(value, bool) or least <= value <= most,
                f"training.{count.name}={value}",
                f"a whole number from {least} to {most}",
                f"try training.{count.name}={count.default}",
            )
