"""Which network, and its sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, OmegaConf

from radexp.catalogue import config_folder
from radexp.config.choice import require_choice
from radexp.config.task import CLASSIFICATION, CONTROL, require_task
from radexp.errors import require

LARGEST_LAYER = 10**7
LARGEST_KERNEL = 99
LARGEST_GRID = 10**4
LARGEST_NUMBER = 1e9
MOST_LAYERS = 1000
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
        task: What it is trained for, ``classification`` or ``control``.
        default_data: The data set of ``data=default``; ``none`` for a model that has no use for
            data.
        points: Points along each side of the reactor's grid, boundary included.
        steps: Explicit steps in time; the last one starts at ``final_time``.
        final_time: When the control ends.
        diffusion: Diffusion constant.
        initial: The control's seven starting parameters; null: the published start from the seed.
    """

    name: str = MISSING
    hidden: list[int] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    kernel_size: int = 5
    pooling: str = "average"
    task: str = CLASSIFICATION
    default_data: str = "digits"
    points: int = 33
    steps: int = 40_961
    final_time: float = 10.0
    diffusion: float = 0.25
    initial: list[float] | None = None

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
                len(sizes) <= MOST_LAYERS,
                f"model.{key} of {len(sizes)} layers",
                f"at most {MOST_LAYERS}",
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
        require_task("model.task", self.task)
        require_choice("data", self.default_data)
        self._check_physics()

    def _check_physics(self) -> None:
        """Refuse grids without an interior, times that do not pass and numbers that are none."""
        for key, least, most in (("points", 3, LARGEST_GRID), ("steps", 2, LARGEST_LAYER)):
            require(
                least <= getattr(self, key) <= most,
                f"model.{key}={getattr(self, key)}",
                f"a whole number from {least} to {most}",
                f"leave out model.{key}",
            )
        for key in ("final_time", "diffusion"):
            require(
                0 < getattr(self, key) <= LARGEST_NUMBER,
                f"model.{key}={getattr(self, key)}",
                f"a finite number above 0 and at most {LARGEST_NUMBER:g}",
                f"leave out model.{key}",
            )
        require(
            all(map(math.isfinite, self.initial or [])),
            f"model.initial={self.initial}",
            "finite numbers",
            "try model.initial=[4.932,0,0,0,0,0,0]",
        )


def load_model_config(name: str) -> ModelConfig:
    """Read ``configs/model/NAME.yaml``.

    Args:
        name: A model's name.

    Raises:
        UsageError: If there is no such model.

    Example:
        >>> load_model_config("mlp").hidden
        [300, 300, 300]
    """
    require_choice("model", name)
    schema = OmegaConf.structured(ModelConfig)
    path = config_folder() / f"model/{name}.yaml"
    config = OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.load(path)))
    assert isinstance(config, ModelConfig)
    return config


def describe_sizes(model: Mapping[str, Any]) -> str:
    """Word a network's sizes in one way for every table.

    Args:
        model: The keys of a ModelConfig, as in a run's config.yaml, where some may be missing.

    Example:
        >>> describe_sizes({"name": "mlp", "hidden": [300, 300]})
        '300x300'
        >>> describe_sizes({"channels": [16, 32], "kernel_size": 5, "pooling": "average"})
        '16-32, kernel 5, average'
        >>> describe_sizes({"task": "control", "points": 33, "steps": 40961, "final_time": 10.0,
        ...                 "diffusion": 0.25, "initial": None})
        '33x33, 40961 steps to 10, D 0.25'
    """
    parts = [_joined("x", model.get("hidden") or [])]
    if channels := model.get("channels"):
        kernel_size, pooling = model.get("kernel_size"), model.get("pooling")
        parts += [_joined("-", channels), f"kernel {kernel_size}", str(pooling)]
    if model.get("task") == CONTROL:
        parts += [f"{model['points']}x{model['points']}"]
        parts += [f"{model['steps']} steps to {model['final_time']:g}"]
        parts += [f"D {model['diffusion']:g}"]
        if initial := model.get("initial"):
            parts += [f"from {' '.join(f'{theta:g}' for theta in initial)}"]
    return ", ".join(part for part in parts if part)


def _joined(mark: str, sizes: Any) -> str:
    """Join a list of sizes, or return a single one."""
    return mark.join(str(size) for size in (sizes if isinstance(sizes, list) else [sizes]))
