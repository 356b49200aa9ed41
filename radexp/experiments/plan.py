"""From a configuration to a plan: the data, the solved free number, the predicted bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf

from radexp.config import EstimatorConfig, ModelConfig, TrainConfig, load_estimator_config
from radexp.config.estimator import KEEP_STEPS, MOST_BITS
from radexp.config.task import NO_DATA
from radexp.data import Dataset
from radexp.errors import BudgetError
from radexp.experiments.workload import Workload, make_workload
from radexp.layers.estimator import DEFAULTS
from radexp.memory import Budget, format_bytes, solve_largest

# Keys that came after the first committed runs, by part, with what they are left out at.
LATER_KEYS: dict[str, dict[str, Any]] = {
    "estimator": {
        "checkpoints": None,
        "bits": None,
        "also": None,
        "micro_batch": None,
        "layer_bits": {},
        "layer_keep": {},
    },
    "training": {"holdout": 0},
    "measure": {"budgets": []},
}


@dataclass(frozen=True)
class Plan:
    """All that is known about a run before it starts.

    Attributes:
        config: The request, with the device resolved.
        workload: The task: its objects for a run, and its bytes.
        estimator: The estimator's settings with its free number settled.
        batch_size: Examples per step.
        parameter_bytes: Bytes of the parameters.
        predicted_by_layer: What autograd will hold, parameters apart, by the layer's name.
        budget_bytes: The limit on the sum of both, or None.
    """

    config: TrainConfig
    workload: Workload
    estimator: EstimatorConfig
    batch_size: int
    parameter_bytes: int
    predicted_by_layer: dict[str, int]
    budget_bytes: int | None

    @property
    def predicted_saved_bytes(self) -> int:
        """What autograd will hold, parameters apart."""
        return sum(self.predicted_by_layer.values())

    @property
    def over_budget(self) -> bool:
        """Whether the prediction is above the limit: only an estimator without a free number."""
        total = self.parameter_bytes + self.predicted_saved_bytes
        return self.budget_bytes is not None and total > self.budget_bytes

    @property
    def config_hash(self) -> str:
        """Hash of everything in the configuration that decides the run's numbers."""
        return hash_config(self.config)

    @property
    def run_id(self) -> str:
        """A readable name and the hash: the same request always has the same."""
        config = self.config
        data = [] if config.data.name == NO_DATA else [config.data.name]
        words = [config.model.name, *data, config.estimator.name]
        if config.budget is not None:
            words.append(config.budget.replace("%", "pct"))
        words.append(f"s{config.seed}")
        if config.tune.trial is not None:
            words.append(f"t{config.tune.trial}")
        slug = "-".join(words).lower()
        return f"{re.sub('[^a-z0-9._-]', '', slug)}-{self.config_hash}"


def hash_config(config: TrainConfig) -> str:
    """Hash a configuration without paths and without what was already interpolated from.

    Model keys at their schema's default are left out, so that a new key of ``ModelConfig`` leaves
    the hashes of other models' runs as they were; so are ``LATER_KEYS``. A default, once it is
    there, must not change. What ``tune`` draws is hashed as the optimizer's settings.
    """
    values = dataclasses.asdict(config)
    for key in ("output", "preset", "scales", "tuned", "tune"):
        del values[key]
    if values["measure"] is None:  # it came after the first committed runs, too
        del values["measure"]
    del values["data"]["root"]
    defaults = OmegaConf.to_container(OmegaConf.structured(ModelConfig))
    assert isinstance(defaults, dict)
    model = values["model"]
    values["model"] = {key: model[key] for key in model if model[key] != defaults[key]}
    del values["estimator"]["task"]  # it says what it is for, and its name says so already
    for part, keys in LATER_KEYS.items():
        of_part = values.get(part, {})
        for key in [key for key, default in keys.items() if of_part.get(key) == default]:
            of_part.pop(key, None)
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def make_plan(config: TrainConfig, dataset: Dataset | None = None) -> Plan:
    """Load the data, solve the free number and predict the bytes; write nothing.

    Args:
        config: The request.
        dataset: Data to use instead of those that the request names.

    Raises:
        UsageError: If something that was asked for is impossible.
    """
    workload = make_workload(config, dataset)
    config = dataclasses.replace(config, device=workload.device().type)
    limit = _limit_bytes(config, workload)
    estimator = _settle(config, workload, limit)
    return Plan(
        config,
        workload,
        estimator,
        workload.batch_size(estimator),
        workload.parameter_bytes,
        workload.by_layer(estimator),
        limit,
    )


def as_begun(plan: Plan, layer_bits: dict[str, int], layer_keep: dict[str, float]) -> Plan:
    """Return the plan with what each layer kept when its run began.

    Another machine measures other noise and may choose others.

    Args:
        plan: As it is made now.
        layer_bits: Bits by the layer's name, from the run's checkpoint.
        layer_keep: Kept fractions by the layer's name, from there too.
    """
    estimator = dataclasses.replace(plan.estimator, layer_bits=layer_bits, layer_keep=layer_keep)
    if estimator == plan.estimator:
        return plan
    predicted = plan.workload.by_layer(estimator)
    return dataclasses.replace(plan, estimator=estimator, predicted_by_layer=predicted)


def _saved_bytes(workload: Workload, estimator: EstimatorConfig) -> int:
    """Predict what autograd will hold, parameters apart."""
    return sum(workload.by_layer(estimator).values())


def _limit_bytes(config: TrainConfig, workload: Workload) -> int | None:
    """Return the budget in bytes, or None without one."""
    if config.budget is None:
        return None
    exact = _saved_bytes(workload, load_estimator_config("exact"))
    return Budget.parse(config.budget).limit_bytes(workload.parameter_bytes, exact)


def _settle(config: TrainConfig, workload: Workload, limit: int | None) -> EstimatorConfig:
    """Return the estimator's settings with its free number solved for, or at its default."""
    estimator = config.estimator
    free = estimator.free
    if free is None or estimator.settled:
        return estimator

    def settled(number: Any) -> EstimatorConfig:
        return dataclasses.replace(estimator, **{free: number})

    def candidate(count: int) -> EstimatorConfig:
        return settled(count / KEEP_STEPS if free == "keep" else count)

    def total_bytes(candidate: EstimatorConfig) -> int:
        return workload.parameter_bytes + _saved_bytes(workload, candidate)

    if free == "layer_bits":
        room = total_bytes(estimator) if limit is None else limit
        found = workload.allocate(estimator, room - workload.parameter_bytes)
        if total_bytes(found) > room:
            raise _too_small(config, workload, total_bytes(found))
        return found
    if limit is None:
        return settled(DEFAULTS.get(free) or workload.default(free))

    of_sketches = {"keep": range(1, KEEP_STEPS + 1), "bits": range(1, MOST_BITS + 1)}
    counts = of_sketches.get(free) or workload.candidates(free)
    # Keeping everything needs no bits for ReLU, so it can fit where keeping almost all does not.
    if total_bytes(candidate(counts[-1])) <= limit:
        return candidate(counts[-1])
    most = len(counts) - 2
    place = solve_largest(0, most, lambda place: total_bytes(candidate(counts[place])) <= limit)
    if place is None:
        raise _too_small(config, workload, total_bytes(candidate(counts[0])))
    return candidate(counts[place])


def _too_small(config: TrainConfig, workload: Workload, needed: int) -> BudgetError:
    """Return what to say of a budget that not even the least fits into."""
    estimator = config.estimator
    smaller = "training.batch_size" if workload.batch_size(estimator) > 1 else "model.steps"
    return BudgetError(
        f"budget={config.budget}: allowed is at least {needed}B ({format_bytes(needed)}) for "
        f"model={config.model.name} estimator={estimator.name}; raise the budget or take a "
        f"smaller model or {smaller}"
    )
