"""Which network, and its sizes."""

from __future__ import annotations

from dataclasses import dataclass, field

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
