"""The arms of a comparison of gradient noise, and its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radexp.config import CLASSIFICATION, EstimatorConfig, TrainConfig, load_estimator_config
from radexp.errors import require
from radexp.experiments.noise_points import Weights, drawing_anew, measure_noise, trained_weights
from radexp.experiments.plan import Plan, make_plan

SKETCHED = ("rad", "rad_shared", "rad_project")


@dataclass(frozen=True)
class Arm:
    """A plan, and the level of memory that it shares with the arms it is compared with."""

    plan: Plan
    level: float | None = None

    @property
    def name(self) -> str:
        """What tells the arm apart."""
        estimator = self.plan.estimator
        kept = [f"keep {estimator.keep:.6g}"] if estimator.keep else []
        kept += [f"{estimator.bits} bits"] if estimator.bits else []
        # A rounded layer's bits are whole; of a sampled one they are what its bytes come to.
        bits = {name: str(round(32 * keep, 9)) for name, keep in estimator.layer_keep.items()}
        bits |= {name: str(number) for name, number in estimator.layer_bits.items()}
        if bits:
            order = [name for name in self.plan.predicted_by_layer if name in bits]
            kept = [f"{'-'.join(bits[name] for name in order)} bits"]
        return ", ".join([estimator.name, *(kept or [f"batch {self.plan.batch_size}"])])

    def describe(self) -> dict[str, Any]:
        """Return the arm's columns of noise.csv."""
        plan = self.plan
        return {
            "model": plan.config.model.name,
            "data": plan.config.data.name,
            "arm": self.name,
            "estimator": plan.estimator.name,
            "keep": plan.estimator.kept_fraction,
            "batch_size": plan.batch_size,
            "bytes": plan.parameter_bytes + plan.predicted_saved_bytes,
            "level": self.level,
        }


def arm_of(config: TrainConfig, estimator: EstimatorConfig, budget: str | None = None) -> Arm:
    """Return the arm of an estimator.

    Raises:
        UsageError: If the budget is too small for it.
    """
    return Arm(make_plan(dataclasses.replace(config, estimator=estimator, budget=budget)))


def compared_arms(config: TrainConfig, keeps: Iterable[float]) -> list[Arm]:
    """Return the exact gradient, and at every fraction the sketches and a small batch.

    Args:
        config: A network's configuration.
        keeps: Fractions. The small batch of each is the largest that fits into what ``rad`` holds.

    Raises:
        UsageError: If the model has no batch to make smaller.
    """
    require(
        config.model.task == CLASSIFICATION,
        f"model={config.model.name} without an estimator",
        "estimators by name, as there is no batch to make smaller",
        "try estimator=rad estimator.keep=0.1,0.01",
    )
    arms = [arm_of(config, load_estimator_config("exact"))]
    for keep in keeps:
        sketched = [arm_of(config, load_estimator_config(name, keep=keep)) for name in SKETCHED]
        total = sketched[0].plan.parameter_bytes + sketched[0].plan.predicted_saved_bytes
        small = arm_of(config, load_estimator_config("small_batch"), f"{total}B")
        arms += [Arm(arm.plan, keep) for arm in (*sketched, small)]
    return arms


def measure_arms(
    arms: Sequence[Arm],
    points: Iterable[tuple[int, Weights]],
    repetitions: int,
    advance: Callable[[], object] = lambda: None,
) -> pd.DataFrame:
    """Measure the gradient noise of all arms at all points of training.

    Args:
        arms: Of one model and one data set.
        points: Iterations and the weights there.
        repetitions: Gradients to draw of each arm.
        advance: Called after each gradient.

    Returns:
        The rows of noise.csv.
    """
    plans: Mapping[str, Plan] = {arm.name: arm.plan for arm in arms}
    parts = [
        pd.DataFrame(measure_noise(plans, weights, repetitions, advance)).assign(iteration=at)
        for at, weights in points
    ]
    described = pd.DataFrame([arm.describe() for arm in arms])
    return described.merge(pd.concat(parts), on="arm", validate="one_to_many")


def noise_rows(config: TrainConfig) -> pd.DataFrame:
    """Measure the noise of all compared arms at one point of exact training.

    Args:
        config: Its ``measure`` says at which fractions, after how many iterations, how often.

    Returns:
        The rows of noise.csv.

    Raises:
        UsageError: If the model has no batch to make smaller.
    """
    assert config.measure is not None
    exact = dataclasses.replace(
        config, measure=None, budget=None, estimator=load_estimator_config("exact")
    )
    arms = compared_arms(drawing_anew(exact), config.measure.keeps)
    points: Iterator[tuple[int, Weights]] = trained_weights(make_plan(exact), [config.measure.at])
    return measure_arms(arms, points, config.measure.repetitions)
