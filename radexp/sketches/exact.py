"""The exact sketch: the matrix itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.sketches.base import Kept, Shape, Sketch


class Exact(Sketch):
    """Keep everything: ``xhat = x``. Also what every sketch is at keep = 1.

    Example:
        >>> x = torch.ones(1, 2, 3)
        >>> Exact().restore(Exact().compress(x, seed=0), (1, 2, 3), seed=0).equal(x)
        True
    """

    name = "exact"
    free = None

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Exact:
        """Build the sketch; it has no settings."""
        return cls()

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return ``x_GND`` itself, not a copy."""
        return (x_GND,)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return what was kept."""
        return kept[0]

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``G * N * D * itemsize``."""
        return math.prod(shape) * dtype.itemsize

    def __repr__(self) -> str:
        return "Exact()"
