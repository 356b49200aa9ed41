"""An estimator as layers see it: a sketch, and whether to use the lean operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from radexp.config import CLASSIFICATION, EstimatorConfig, load_estimator_config, options_for
from radexp.errors import require
from radexp.sketches import Exact, Importance, Rounding, Sketch

# What a sketch's free number is where no budget solves it.
DEFAULT_BITS = 2
DEFAULTS: dict[str, float] = {"keep": 0.1, "bits": DEFAULT_BITS}


@dataclass(frozen=True)
class Estimator:
    """How the layers of one network estimate their gradients.

    Attributes:
        sketch: What a linear layer keeps instead of its input.
        lean: Use operations that keep less than PyTorch's own and give the same gradient, such
            as ReLU kept as bits. A sketch other than ``Exact`` implies them.
        of_layers: What layers of these names keep instead.

    Example:
        >>> Estimator.named("rad", keep=0.1)
        Estimator(sketch=Sampling(keep=0.1, shared=False, replacement=True), lean=True)
        >>> Estimator.named("rad", keep=1.0)
        Estimator(sketch=Exact(), lean=True)
    """

    sketch: Sketch
    lean: bool = True
    of_layers: Mapping[str, Sketch] = field(default_factory=dict, repr=False)

    @property
    def exact(self) -> bool:
        """Whether nothing is sketched."""
        return isinstance(self.sketch, Exact)

    @property
    def uses_lean_operations(self) -> bool:
        """Whether operations without weights may keep less than PyTorch's own."""
        return self.lean or not self.exact

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Estimator:
        """Build an estimator from its settings; keep = 1 is the exact sketch by definition.

        Raises:
            UsageError: If the sketch is unknown, or the estimator is not one of networks.
        """
        require(
            config.task in (None, CLASSIFICATION),
            f"estimator={config.name} on a network",
            ", ".join(options_for("estimator", CLASSIFICATION)),
            "pick one of them",
        )
        if config.free == "checkpoints":
            return Checkpointed(Exact(), config.lean, checkpoints=config.checkpoints)
        if config.keep == 1:
            return cls(Exact(), config.lean)
        if config.free == "layer_bits":
            own: dict[str, Sketch] = {n: Rounding(bits) for n, bits in config.layer_bits.items()}
            own |= {name: Importance(keep) for name, keep in config.layer_keep.items()}
            return cls(Rounding(DEFAULT_BITS), config.lean, own)
        return cls(Sketch.named_in(config), config.lean)

    @classmethod
    def named(cls, name: str, **settings: Any) -> Estimator:
        """Build a named estimator, with some of its settings changed.

        Args:
            name: As in ``estimator=`` on the command line: ``"rad"``, ``"exact"``, ...
            **settings: Fields of ``EstimatorConfig``, such as ``keep=0.1``.

        Raises:
            UsageError: If the name or a setting is unknown or out of range.
        """
        config = load_estimator_config(name, **settings)
        if config.free in DEFAULTS and getattr(config, config.free) is None:
            setattr(config, config.free, DEFAULTS[config.free])
        return cls.from_config(config)


@dataclass(frozen=True)
class Checkpointed(Estimator):
    """Exact gradients of recurrent layers that keep few states and run the steps between again.

    Attributes:
        checkpoints: Stretches of steps that are run again; None for as many as keep the fewest
            states, 0 for none.

    Example:
        >>> Estimator.named("checkpoint", checkpoints=3)
        Checkpointed(sketch=Exact(), lean=True, checkpoints=3)
    """

    checkpoints: int | None = None
