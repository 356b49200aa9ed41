"""Which data set."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from radexp.config.choice import require_choice


@dataclass
class DataConfig:
    """Which data set, and where its files lie (null: RADEXP_DATA, else the download cache)."""

    name: str = MISSING
    root: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown data sets."""
        require_choice("data", self.name)
