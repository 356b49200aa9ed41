"""How gradients are estimated, and the settings of an estimator by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from radexp.catalogue import choices, config_folder
from radexp.config.choice import require_choice
from radexp.config.task import require_task
from radexp.config.training import LARGEST_BATCH
from radexp.errors import UsageError, require

FREE_NUMBERS = ("keep", "bits", "batch_size", "micro_batch", "checkpoints", "layer_bits")
NUMBERS = (*FREE_NUMBERS, "layer_keep")  # the last comes with layer_bits
OF_SKETCHES = (
    "keep",
    "bits",
    "layer_bits",
)  # the other ones are of estimators that keep nothing random

MOST_BITS = 8
# A solved kept fraction is a whole number of these: the step between two values is too small to
# matter, and the number reads well in a record.
KEEP_STEPS = 10**6


@dataclass
class EstimatorConfig:
    """How gradients are estimated: one YAML per estimator over the same few fields.

    Attributes:
        name: The estimator's name, as in ``estimator=rad``.
        sketch: A sketch of ``radexp.sketches``: what a layer keeps instead of its input.
        free: The one number that a budget solves: ``keep``, ``bits``, ``batch_size``,
            ``micro_batch``, ``checkpoints``, ``layer_bits`` (and ``layer_keep``) or null.
        keep: Kept fraction of each sketched matrix, 0 < keep <= 1; null: solved, else 0.1.
        batch_size: Examples per step, for the small batch; null: solved, else 20.
        shared: One set of coordinates for the whole batch instead of one per example; for the
            reactor, one draw for both uses of a state instead of one for each.
        replacement: Draw coordinates with replacement, as the paper does.
        lean: Use the operations that keep less than PyTorch's own, where they give the same
            gradient.
        task: The one task that it serves, ``classification`` or ``control``; null for both.
        checkpoints: States kept between stretches of steps that are run again; null: solved, else
            the number that keeps the fewest states in all; on networks 0 runs nothing again.
        bits: Bits of each entry that stochastic rounding keeps, 1 to 8; null: solved, else 2. For
            ``hybrid`` a setting, of each sampled entry.
        also: A number that it uses beside the free one, and that no budget solves; or null.
        layer_bits: Bits of each entry by the layer's name, of layers that are rounded; 2 for layers
            that are not named here or in ``layer_keep``; both empty: solved, a number for each.
        layer_keep: Kept fraction of the bytes, 0 < keep < 1, by the layer's name, of layers that
            ``importance`` samples.
        micro_batch: Examples of a batch that are differentiated at a time; null: solved, else 20.
    """

    name: str = MISSING
    sketch: str = "exact"
    free: str | None = None
    keep: float | None = None
    batch_size: int | None = None
    shared: bool = False
    replacement: bool = True
    lean: bool = True
    task: str | None = None
    checkpoints: int | None = None
    bits: int | None = None
    also: str | None = None
    micro_batch: int | None = None
    layer_bits: dict[str, int] = field(default_factory=dict)
    layer_keep: dict[str, float] = field(default_factory=dict)

    def has(self, number: str) -> bool:
        """Tell whether one of ``NUMBERS`` is set."""
        return getattr(self, number) not in (None, {})

    @property
    def settled(self) -> bool:
        """Whether a budget has nothing to solve: there is no free number, or it is set."""
        return self.free is None or self.has(self.free) or self.has("layer_keep")

    @property
    def kept_fraction(self) -> float | None:
        """The kept part of each operand: of its entries, times that of 32 bits; None if whole.

        Where layers have numbers of their own, it is their mean.
        """
        of_layers = [*self.layer_keep.values(), *(bits / 32 for bits in self.layer_bits.values())]
        if of_layers:
            return sum(of_layers) / len(of_layers)
        of_entry = 1 if self.bits is None or self.keep == 1 else self.bits / 32
        return of_entry * (self.keep or 1) if self.keep or self.bits else None

    def __post_init__(self) -> None:
        """Refuse numbers outside their range and numbers that the estimator does not use."""
        require_choice("estimator", self.name)
        require_task("estimator.task", self.task)
        require(
            self.free is None or self.free in FREE_NUMBERS,
            f"estimator.free={self.free}",
            f"{', '.join(FREE_NUMBERS)} or null",
            "leave it as the estimator's YAML has it",
        )
        require(
            self.keep is None or 0 < self.keep <= 1,
            f"estimator.keep={self.keep}",
            "0 < keep <= 1",
            "try estimator.keep=0.1",
        )
        for name in ("batch_size", "micro_batch"):
            size = getattr(self, name)
            require(
                size is None or 1 <= size <= LARGEST_BATCH,
                f"estimator.{name}={size}",
                f"a whole number from 1 to {LARGEST_BATCH}",
                f"try estimator.{name}=20",
            )
        require(
            self.checkpoints is None or self.checkpoints >= 0,
            f"estimator.checkpoints={self.checkpoints}",
            "a whole number of at least 0",
            "try estimator.checkpoints=202",
        )
        of_layers = {f"layer_bits.{name}": bits for name, bits in self.layer_bits.items()}
        for name, bits in {"bits": self.bits, **of_layers}.items():
            require(
                bits is None or 1 <= bits <= MOST_BITS,
                f"estimator.{name}={bits}",
                f"a whole number from 1 to {MOST_BITS}",
                f"try estimator.{name}=2",
            )
        for name, keep in self.layer_keep.items():
            require(
                0 < keep < 1,
                f"estimator.layer_keep.{name}={keep}",
                "0 < keep < 1",
                f"try estimator.layer_keep.{name}=0.1",
            )
            require(
                name not in self.layer_bits,
                f"estimator.layer_keep.{name}={keep} with estimator.layer_bits.{name}",
                "one of the two, as a layer is sampled or rounded",
                "drop one",
            )
        require(
            (self.free in OF_SKETCHES) == (self.sketch != "exact"),
            f"estimator.sketch={self.sketch} with estimator.free={self.free}",
            f"free={' or '.join(OF_SKETCHES)} with every sketch but exact, and with none other",
            "leave both as the estimator's YAML has them",
        )
        used = [number for number in (self.free, self.also) if number]
        used += ["layer_keep"] if self.free == "layer_bits" else []
        for number in NUMBERS:
            require(
                not self.has(number) or number in used,
                f"estimator.{number}={getattr(self, number)} with estimator={self.name}",
                ", ".join(f"estimator.{number}" for number in used) or "no number, it has none",
                f"drop estimator.{number} or choose another estimator",
            )
        require(
            self.also is None or getattr(self, self.also, None) is not None,
            f"estimator.{self.also}=null with estimator={self.name}",
            "a number, as no budget solves it",
            "leave it as the estimator's YAML has it",
        )


def load_estimator_config(name: str, **settings: Any) -> EstimatorConfig:
    """Read ``configs/estimator/NAME.yaml`` and override some of its fields.

    Args:
        name: An estimator's name, such as ``"rad"``.
        **settings: Fields of EstimatorConfig.

    Returns:
        The checked settings.

    Raises:
        UsageError: If the name or a field is unknown, or a value is out of range.
    """
    known = choices("estimator")
    require(name in known, f"estimator {name!r}", ", ".join(known), "pick one of them")
    unknown = set(settings) - set(EstimatorConfig.__dataclass_fields__)
    if unknown:
        raise UsageError(
            f"estimator setting {', '.join(sorted(unknown))}: allowed is "
            f"{', '.join(EstimatorConfig.__dataclass_fields__)}; mind the spelling"
        )
    schema = OmegaConf.structured(EstimatorConfig)
    merged = OmegaConf.merge(schema, OmegaConf.load(config_folder() / f"estimator/{name}.yaml"))
    try:
        config = OmegaConf.to_object(OmegaConf.merge(merged, settings))
    except OmegaConfBaseException as error:
        why = str(error).splitlines()[0]
        raise UsageError(f"estimator settings {settings}: {why}; see EstimatorConfig") from error
    assert isinstance(config, EstimatorConfig)
    return config
