"""What to measure in place of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from radexp.config.choice import require_choice
from radexp.config.training import MOST_ITERATIONS
from radexp.errors import require

RANGES = {
    "at": (0, MOST_ITERATIONS),
    "repetitions": (2, 10**6),
    "depth": (2, 1000),
    "graph_draws": (2, 10**6),
}


@dataclass
class MeasureConfig:
    """What to measure in place of a training run: one YAML for each over the same few fields.

    Attributes:
        name: ``memory`` (Table 1), ``bias``, ``noise`` (of gradients), ``depth`` (variance
            against depth) or ``frontier`` (noise and step time of every estimator at every budget).
        keeps: Fractions to measure at.
        budgets: Budgets to measure at, each a part of what the stock exact step holds.
        at: Iterations of exact training after which to measure.
        repetitions: Gradients to draw of each estimator.
        depth: Largest number of layers.
        graph_draws: Sampled graphs behind one number.
    """

    name: str = MISSING
    keeps: list[float] = field(default_factory=list)
    budgets: list[float] = field(default_factory=list)
    at: int = 0
    repetitions: int = 30
    depth: int = 12
    graph_draws: int = 1000

    def __post_init__(self) -> None:
        """Refuse unknown measurements, fractions that are none and counts that are too small."""
        require_choice("measure", self.name)
        for key, parts in {"keeps": self.keeps, "budgets": self.budgets}.items():
            require(
                all(0 < part <= 1 for part in parts),
                f"measure.{key}={list(parts)}",
                "fractions above 0, up to 1",
                f"try measure.{key}=[0.1,0.5]",
            )
        for key, (least, most) in RANGES.items():
            require(
                least <= getattr(self, key) <= most,
                f"measure.{key}={getattr(self, key)}",
                f"a whole number from {least} to {most}",
                f"leave out measure.{key}",
            )
