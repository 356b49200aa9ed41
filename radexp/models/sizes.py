"""The check that a model is given only sizes that it uses."""

from __future__ import annotations

import dataclasses

from radexp.config import ModelConfig
from radexp.errors import require

NO_SIZES = ("name", "task", "default_data")


def require_only(config: ModelConfig, *used: str) -> None:
    """Refuse sizes that a model does not use, unless they are at their default.

    Args:
        config: The model's name and sizes.
        *used: The fields of ``config`` that the model uses.

    Raises:
        UsageError: If another field was set.

    Example:
        >>> require_only(ModelConfig("mlp", hidden=[300]), "hidden")
    """
    defaults = ModelConfig(config.name)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        fine = field.name in (*NO_SIZES, *used)
        require(
            fine or value == getattr(defaults, field.name),
            f"model.{field.name}={value} with model={config.name}",
            ", ".join(f"model.{name}" for name in used),
            f"drop model.{field.name} or choose another model",
        )
