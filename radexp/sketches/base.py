"""The contract of everything that a layer may keep instead of a matrix."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import require

Kept = tuple[Tensor, ...]
Shape = tuple[int, int, int]


def num_kept(keep: float, size: int) -> int:
    """Return how many of ``size`` coordinates the fraction ``keep`` keeps: ceil(keep * size).

    The product is rounded down by one part in 10^9 first, so that fractions which binary
    floating point cannot hold do not gain a coordinate: 0.07 * 100 is 7.000000000000001.

    Example:
        >>> num_kept(0.1, 784), num_kept(0.07, 100)
        (79, 7)
    """
    return min(size, max(1, math.ceil(keep * size * (1 - 1e-9))))


class Sketch(ABC):
    """An unbiased, smaller stand-in for a matrix, chosen without looking at its values' future.

    A sketch sees ``x_GND``: G groups (time steps; otherwise 1) of N rows (examples) and D columns
    (features). Each group gets a fresh draw. With ``xhat = restore(compress(x))`` every sketch
    guarantees ``E[xhat] = x``, so that ``contract``, linear in it, is unbiased too:
    ``E[sum_G g^T xhat] = sum_G g^T x``. Randomness is regenerated from the seed, never stored,
    and the sizes of what is kept depend on shapes alone.

    Shapes: G groups, N rows, D columns, K kept, O outputs.

    Source: Oktay et al., Randomized Automatic Differentiation, ICLR 2021, sections 3.2 and 4.2.
    """

    name: ClassVar[str]
    free: ClassVar[str | None] = "keep"  # the number that says how much is kept
    # Whether the noise is small beside each entry's range, so that it may be multiplied from layer
    # to layer as the derivative of a nonlinearity.
    serves_derivatives: ClassVar[bool] = False
    registry: ClassVar[dict[str, type[Sketch]]] = {}

    def __init_subclass__(cls) -> None:
        """Enter a class in the registry that has a ``name`` of its own."""
        if "name" in vars(cls):
            Sketch.registry[cls.name] = cls

    @classmethod
    def named_in(cls, config: EstimatorConfig) -> Sketch:
        """Build the sketch that an estimator's settings name.

        Raises:
            UsageError: If there is no such sketch, or another number than the estimator's is free.
        """
        found = cls.registry.get(config.sketch)
        given, leave = (
            f"estimator.sketch={config.sketch}",
            "leave it as the estimator's YAML has it",
        )
        require(found is not None, given, ", ".join(sorted(cls.registry)), leave)
        assert found is not None
        fits = found.free in (None, config.free)
        require(fits, f"{given} with estimator.free={config.free}", f"free={found.free}", leave)
        return found.from_config(config)

    @classmethod
    @abstractmethod
    def from_config(cls, config: EstimatorConfig) -> Sketch:
        """Build the sketch from an estimator's settings."""

    def among(self, alive: Tensor) -> Sketch:
        """Return the sketch to use where it is known which entries are not zero.

        After a ReLU it is: one bit for each entry is kept for its derivative.

        Args:
            alive: Which entries of the matrix are not zero, from ``packing.pack_bits``.
        """
        return self

    @abstractmethod
    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return the tensors that survive until the backward pass; autograd records none of it.

        Args:
            x_GND: The matrix of each group; float32, float64 or bfloat16.
            seed: Seed of the draw.

        Returns:
            What is kept; its bytes equal ``saved_bytes(x_GND.shape, x_GND.dtype)``.
        """

    @abstractmethod
    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``xhat_GND`` with ``E[xhat] = x``, from what ``compress`` kept.

        Args:
            kept: The result of ``compress``.
            shape: The shape (G, N, D) of the matrix that was compressed.
            seed: The seed given to ``compress``.
        """

    def contract(self, g_GNO: Tensor, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``sum_G g^T xhat``, of shape (O, D): the weight gradient of a linear map.

        Sketches override this where it can be had without building ``xhat``.

        Args:
            g_GNO: Gradient with respect to the linear map's outputs.
            kept: The result of ``compress``.
            shape: The shape (G, N, D) of the matrix that was compressed.
            seed: The seed given to ``compress``.
        """
        xhat_GND = self.restore(kept, shape, seed)
        return g_GNO.flatten(0, 1).t() @ xhat_GND.flatten(0, 1)

    def entries(self, kept: Kept, shape: Shape, seed: int) -> tuple[Tensor, Tensor] | None:
        """Return the entries of ``xhat_GND``, if few of them are not zero.

        Args:
            kept: The result of ``compress``.
            shape: The shape (G, N, D) of the matrix that was compressed.
            seed: The seed given to ``compress``.

        Returns:
            Values (G, N, K), already rescaled, and their columns, int64, (G, N, K) or (G, 1, K)
            if all rows share them; values at equal columns add up. None: ``xhat`` is dense.
        """
        return None

    @abstractmethod
    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return the bytes of what ``compress`` keeps of a (G, N, D) matrix, in closed form."""
