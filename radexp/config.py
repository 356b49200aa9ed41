"""Typed schemas of every key a user can set, and the checks that need more than one key.

Hydra composes ``configs/`` into these dataclasses; unknown keys and wrong types fail there.
What is left, ranges and combinations, is checked in ``__post_init__``, so that an object of
these classes is a valid request. Nothing here imports torch.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from radexp.catalogue import choices, config_folder
from radexp.errors import UsageError, require

DEVICES = ("auto", "cpu", "cuda")
FREE_NUMBERS = ("keep", "batch_size")
LARGEST_LAYER = 10**7


def _require_choice(group: str, name: str) -> None:
    """Raise a UsageError unless ``name`` is one of a group's YAML files."""
    require(
        name in choices(group),
        f"{group}.name={name}",
        ", ".join(choices(group)),
        f"set {group}=NAME instead",
    )


@dataclass
class ModelConfig:
    """Which network, and its sizes.

    Attributes:
        name: A module of ``radexp.models``.
        hidden: Units of each hidden layer.
    """

    name: str = MISSING
    hidden: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse unknown models and layers without units."""
        _require_choice("model", self.name)
        require(
            all(1 <= size <= LARGEST_LAYER for size in self.hidden),
            f"model.hidden={list(self.hidden)}",
            f"whole numbers from 1 to {LARGEST_LAYER}",
            "try model.hidden=[300,300,300]",
        )


@dataclass
class DataConfig:
    """Which data set, and where its files lie (null: RADEXP_DATA, else the download cache)."""

    name: str = MISSING
    root: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown data sets."""
        _require_choice("data", self.name)


@dataclass
class EstimatorConfig:
    """How gradients are estimated: one YAML per estimator over the same few fields.

    Attributes:
        name: The estimator's name, as in ``estimator=rad``.
        sketch: A sketch of ``radexp.sketches``: what a layer keeps instead of its input.
        free: The one number that a budget solves: ``keep``, ``batch_size`` or null.
        keep: Kept fraction of each sketched matrix, 0 < keep <= 1; null: solved, else 0.1.
        batch_size: Examples per step, for the small batch; null: solved, else 20.
        shared: One set of coordinates for the whole batch instead of one per example.
        replacement: Draw coordinates with replacement, as the paper does.
        lean: Use the operations that keep less than PyTorch's own, where they give the same
            gradient.
    """

    name: str = MISSING
    sketch: str = "exact"
    free: str | None = None
    keep: float | None = None
    batch_size: int | None = None
    shared: bool = False
    replacement: bool = True
    lean: bool = True

    def __post_init__(self) -> None:
        """Refuse numbers outside their range and numbers that the estimator does not use."""
        _require_choice("estimator", self.name)
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
        require(
            self.batch_size is None or self.batch_size >= 1,
            f"estimator.batch_size={self.batch_size}",
            "a whole number of at least 1",
            "try estimator.batch_size=20",
        )
        require(
            (self.free == "keep") == (self.sketch != "exact"),
            f"estimator.sketch={self.sketch} with estimator.free={self.free}",
            "free=keep with every sketch but exact, and with none other",
            "leave both as the estimator's YAML has them",
        )
        for number in FREE_NUMBERS:
            require(
                getattr(self, number) is None or self.free == number,
                f"estimator.{number}={getattr(self, number)} with estimator={self.name}",
                f"estimator.{self.free}" if self.free else "no number, it has none",
                f"drop estimator.{number} or choose another estimator",
            )


@dataclass
class OptimizerConfig:
    """The update rule and its step-size schedule.

    Attributes:
        name: ``adam`` or ``sgd``.
        lr: Step size at the start.
        weight_decay: L2 coefficient, added to the gradient.
        decay: Factor on the step size every ``decay_every`` iterations (1: constant).
        decay_every: Iterations between two decays.
        clip_norm: Largest gradient norm; null for none.
    """

    name: str = MISSING
    lr: float = 1e-3
    weight_decay: float = 0.0
    decay: float = 1.0
    decay_every: int = 2000
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        """Refuse unknown optimizers and steps that are not positive."""
        _require_choice("optimizer", self.name)
        for key in ("lr", "decay", "decay_every"):
            value = getattr(self, key)
            require(
                0 < value < math.inf,
                f"optimizer.{key}={value}",
                "a finite number above 0",
                "try optimizer.lr=1e-3 optimizer.decay=0.6 optimizer.decay_every=2000",
            )
        require(
            0 <= self.weight_decay < math.inf,
            f"optimizer.weight_decay={self.weight_decay}",
            "a finite number of 0 or more",
            "try optimizer.weight_decay=0",
        )
        require(
            self.clip_norm is None or self.clip_norm > 0,
            f"optimizer.clip_norm={self.clip_norm}",
            "more than 0, or null",
            "try optimizer.clip_norm=1",
        )


@dataclass
class TrainingConfig:
    """How long to train, on how many examples a step, and what to write down when.

    Attributes:
        iterations: Optimizer steps.
        batch_size: Examples per step (a small batch has its own ``estimator.batch_size``).
        bootstrap: Train on a bootstrap of the training set, one per seed.
        log_every: Iterations between two ``batch`` rows of metrics.csv.
        evaluate_every: Iterations between two evaluations on the test set.
        evaluate_train_every: Iterations between two evaluations on the whole training set.
        checkpoint_every: Iterations between two checkpoints.
    """

    iterations: int = 2000
    batch_size: int = 150
    bootstrap: bool = True
    log_every: int = 50
    evaluate_every: int = 400
    evaluate_train_every: int = 400
    checkpoint_every: int = 1000

    def __post_init__(self) -> None:
        """Refuse counts below one."""
        for count in dataclasses.fields(self):
            value = getattr(self, count.name)
            require(
                isinstance(value, bool) or value >= 1,
                f"training.{count.name}={value}",
                "a whole number of at least 1",
                f"try training.{count.name}={count.default}",
            )


@dataclass
class TrainConfig:
    """Everything that ``radexp train`` can be told.

    Attributes:
        budget: Parameters plus everything autograd holds, for example ``1.8MB`` or ``10%``.
        seed: The run's seed: bootstrap, batches, initial weights and sketches.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads; null for PyTorch's default.
        study: Name of the folder, below ``output``, that holds the runs.
        preset: How large an experiment is: ``smoke``, ``quick`` or ``paper``.
        scales: An experiment's sizes by preset; its other keys interpolate into it.
        tuned: An experiment's hyper-parameters by estimator; likewise.
        output: Folder that everything is written to.
    """

    model: ModelConfig = MISSING
    data: DataConfig = MISSING
    estimator: EstimatorConfig = MISSING
    optimizer: OptimizerConfig = MISSING
    training: TrainingConfig = field(default_factory=TrainingConfig)
    budget: str | None = None
    seed: int = 0
    device: str = "auto"
    threads: int | None = None
    study: str = "train"
    preset: str = "quick"
    scales: dict[str, Any] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)
    output: str = "outputs"

    def __post_init__(self) -> None:
        """Refuse a free number that is both set and solved, and values out of range."""
        free = self.estimator.free
        number = getattr(self.estimator, free) if free else None
        require(
            self.budget is None or number is None,
            f"budget={self.budget} and estimator.{free}={number}",
            "one of the two, as the budget solves that number",
            f"drop budget or estimator.{free}",
        )
        require(
            self.device in DEVICES, f"device={self.device}", ", ".join(DEVICES), "try device=auto"
        )
        require(
            self.threads is None or self.threads >= 1,
            f"threads={self.threads}",
            "a whole number of at least 1, or null",
            "try threads=1",
        )
        require(
            re.fullmatch("[a-z0-9][a-z0-9._-]{0,79}", self.study) is not None,
            f"study={self.study}",
            "up to 80 of the characters a-z 0-9 . _ -, the first a letter or digit",
            "try study=train",
        )
        require(0 <= self.seed < 2**63, f"seed={self.seed}", "0 to 2**63 - 1", "try seed=0")


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
