"""Which network, and its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from radexp.config.choice import require_choice
from radexp.errors import require

LARGEST_LAYER = 10**7
LARGEST_KERNEL = 99
POOLINGS = ("average", "max")


@dataclass
class ModelConfig:
    """Which network, and its sizes. Each model uses some of them and refuses the others.

    Attributes:
        name: A module of ``radexp.models``.
        hidden: Units of each hidden layer.
        channels: Output channels of each convolution.
        kernel_size: Height and width of each convolution's kernel, odd.
        pooling: ``average`` or ``max``.
    """

    name: str = MISSING
    hidden: list[int] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    kernel_size: int = 5
    pooling: str = "average"

    def __post_init__(self) -> None:
        """Refuse unknown models, layers without units and kernels without a centre."""
        require_choice("model", self.name)
        for key, example in (("hidden", "[300,300,300]"), ("channels", "[16,32,32,32]")):
            sizes = list(getattr(self, key))
            require(
                all(1 <= size <= LARGEST_LAYER for size in sizes),
                f"model.{key}={sizes}",
                f"whole numbers from 1 to {LARGEST_LAYER}",
                f"try model.{key}={example}",
            )
        require(
            1 <= self.kernel_size <= LARGEST_KERNEL and self.kernel_size % 2 == 1,
            f"model.kernel_size={self.kernel_size}",
            f"an odd number from 1 to {LARGEST_KERNEL}",
            "try model.kernel_size=5",
        )
        require(
            self.pooling in POOLINGS,
            f"model.pooling={self.pooling}",
            ", ".join(POOLINGS),
            "try model.pooling=average",
        )


def describe_sizes(model: Mapping[str, Any]) -> str:
    """Word a network's sizes in one way for every table.

    Args:
        model: The keys of a ModelConfig, as in a run's config.yaml, where some may be missing.

    Example:
        >>> describe_sizes({"name": "mlp", "hidden": [300, 300]})
        '300x300'
        >>> describe_sizes({"channels": [16, 32], "kernel_size": 5, "pooling": "average"})
        '16-32, kernel 5, average'
    """
    parts = [_joined("x", model.get("hidden") or [])]
    if channels := model.get("channels"):
        kernel_size, pooling = model.get("kernel_size"), model.get("pooling")
        parts += [_joined("-", channels), f"kernel {kernel_size}", str(pooling)]
    return ", ".join(part for part in parts if part)


def _joined(mark: str, sizes: Any) -> str:
    """Join a list of sizes, or return a single one."""
    return mark.join(str(size) for size in (sizes if isinstance(sizes, list) else [sizes]))
