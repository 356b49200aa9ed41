"""The update rule and its step-size schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from omegaconf import MISSING

from radexp.config.choice import require_choice
from radexp.errors import require


@dataclass
class OptimizerConfig:
    """The update rule and its step-size schedule.

    Attributes:
        name: ``adam`` or ``sgd``.
        lr: Step size at the start.
        weight_decay: L2 coefficient, added to the gradient.
        decay: Factor on the step size every ``decay_every`` iterations (1: constant).
        decay_every: Iterations between two decays.
        clip_norm: Largest gradient norm; null for none.
    """

    name: str = MISSING
    lr: float = 1e-3
    weight_decay: float = 0.0
    decay: float = 1.0
    decay_every: int = 2000
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        """Refuse unknown optimizers and steps that are not positive."""
        require_choice("optimizer", self.name)
        for key in ("lr", "decay", "decay_every"):
            value = getattr(self, key)
            require(
                0 < value < math.inf,
                f"optimizer.{key}={value}",
                "a finite number above 0",
                "try optimizer.lr=1e-3 optimizer.decay=0.6 optimizer.decay_every=2000",
            )
        require(
            0 <= self.weight_decay < math.inf,
            f"optimizer.weight_decay={self.weight_decay}",
            "a finite number of 0 or more",
            "try optimizer.weight_decay=0",
        )
        require(
            self.clip_norm is None or self.clip_norm > 0,
            f"optimizer.clip_norm={self.clip_norm}",
            "more than 0, or null",
            "try optimizer.clip_norm=1",
        )
