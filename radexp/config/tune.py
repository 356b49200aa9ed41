"""What ``radexp tune`` draws: step sizes and L2 coefficients, log-uniform over ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from radexp.errors import require

DRAWN = ("lr", "weight_decay")
MOST_DRAWS = 1000


@dataclass
class TuneConfig:
    """The ranges and the number of draws of ``radexp tune``.

    Attributes:
        lr: Smallest and largest step size.
        weight_decay: Smallest and largest L2 coefficient.
        draws: Trials of each estimator.
        seed: Seed of the draws; the trials themselves run at the run's own seed.
        trial: A trial's number, counted from 0; null outside of trials.
    """

    lr: list[float] = field(default_factory=lambda: [1e-4, 1e-2])
    weight_decay: list[float] = field(default_factory=lambda: [1e-7, 1e-3])
    draws: int = 20
    seed: int = 0
    trial: int | None = None

    def __post_init__(self) -> None:
        """Refuse ranges that have no logarithm or run backwards, and counts out of range."""
        for name, example in zip(DRAWN, ("[1e-4,1e-2]", "[1e-7,1e-3]"), strict=True):
            ends = getattr(self, name)
            require(
                len(ends) == 2 and 0 < ends[0] <= ends[1] < math.inf,
                f"tune.{name}={ends}",
                "[LOW,HIGH], two finite numbers above 0, the larger one last",
                f"try tune.{name}={example}",
            )
        require(
            1 <= self.draws <= MOST_DRAWS,
            f"tune.draws={self.draws}",
            f"a whole number from 1 to {MOST_DRAWS}",
            "try tune.draws=20",
        )
        require(0 <= self.seed < 2**63, f"tune.seed={self.seed}", "0 to 2**63 - 1", "try 0")
        require(
            self.trial is None or self.trial >= 0,
            f"tune.trial={self.trial}",
            "a whole number of at least 0, or null",
            "leave it to radexp tune",
        )


def draw(config: TuneConfig, trial: int) -> dict[str, float]:
    """Draw one trial's step size and L2 coefficient.

    Each is log-uniform: LOW (HIGH / LOW)^u with u uniform on [0, 1), rounded to four digits, so
    that what is printed is what was run. A draw depends on ``config.seed``, the ranges and the
    trial's number, and on nothing else: every estimator has the same ones, and more draws leave
    the first as they were.

    Args:
        config: The ranges and the seed.
        trial: The trial's number, at least 0.

    Returns:
        Values by the names in ``DRAWN``.

    Source: the protocol of the paper's experiments (20 random draws); the ranges are ours.

    Example:
        >>> draw(TuneConfig(lr=[1e-3, 1e-3]), trial=4)["lr"]
        0.001
        >>> draw(TuneConfig(draws=2), trial=1) == draw(TuneConfig(draws=20), trial=1)
        True
    """
    uniform = np.random.default_rng((config.seed, trial)).random(len(DRAWN))
    drawn = {}
    for name, u in zip(DRAWN, uniform, strict=True):
        low, high = getattr(config, name)
        value = float(f"{low * (high / low) ** float(u):.4g}")
        drawn[name] = min(max(value, low), high)
    return drawn


def drawn(name: str, *, _root_: Any) -> float:
    """Resolve ``${drawn:lr}`` in a composed configuration: the draw of its ``tune.trial``.

    Raises:
        UsageError: If there is no trial.
    """
    config = OmegaConf.to_object(_root_.tune)
    assert isinstance(config, TuneConfig)
    require(
        name in DRAWN and config.trial is not None,
        f"drawn:{name} in trial {config.trial}",
        f"{' or '.join(DRAWN)} in a trial of radexp tune",
        "give a number instead",
    )
    assert config.trial is not None
    return draw(config, config.trial)[name]


OmegaConf.register_new_resolver("drawn", drawn, replace=True)
