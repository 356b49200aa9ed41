"""How far the mean of a network's gradient estimates is from the exact gradient of one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from radexp.analysis.bias_claim import ESTIMATORS
from radexp.config import CLASSIFICATION, TrainConfig, load_estimator_config, options_for
from radexp.errors import require
from radexp.experiments.noise_points import trained_weights
from radexp.experiments.plan import Plan, make_plan
from radexp.layers import Estimator, randomize
from radexp.seeding import derive_seed
from radexp.training import Task
from radexp.training.task import Batch

# The bias that a test must catch to count, as in the statistical tests.
PLANTED = 1.03
# Part of the largest entry below which a deviation is a rounding: float64 comes nowhere near it.
ROUNDING = 1e-10
Gradient = dict[str, Tensor]


class BiasTally:
    """Sums over estimates of a gradient, from which scores of bias follow; no estimate is kept.

    With truth g, estimates e_r and d_r = e_r - g it keeps sum d and sum d^2 for every entry, and
    sum s and sum s^2 of the slopes' deviations s_r = <d_r, g> / <g, g>. Deviations are near 0 in
    the mean, so nothing cancels.

    Args:
        truth_M: The exact gradient, float64 and not all 0.

    Example:
        >>> tally = BiasTally(torch.tensor([1.0, 2.0], dtype=torch.float64))
        >>> for noise in (-0.5, 0.5):
        ...     tally.add(tally.truth_M * (1 + noise))
        >>> tally.scores(1.0)["slope"], tally.scores(1.0)["z_entry"]
        (1.0, 0.0)
    """

    def __init__(self, truth_M: Tensor) -> None:
        self.truth_M, self.draws = truth_M, 0
        self.sums = [torch.zeros_like(truth_M) for _ in range(2)]
        self.slope_sums = [truth_M.new_zeros(()) for _ in range(2)]
        self.scale = truth_M @ truth_M

    def __repr__(self) -> str:
        return f"BiasTally({len(self.truth_M)} entries, {self.draws} draws)"

    def add(self, estimate_M: Tensor) -> None:
        """Count one estimate."""
        deviation_M = estimate_M - self.truth_M
        slope = deviation_M @ self.truth_M / self.scale
        for power in (1, 2):
            self.sums[power - 1] += deviation_M**power
            self.slope_sums[power - 1] += slope**power
        self.draws += 1

    def scores(self, factor: float) -> dict[str, float]:
        """Return the slope and the scores of the estimates times a factor.

        Args:
            factor: 1 for the estimates themselves, another one for a planted bias.

        Returns:
            ``slope``, ``z_slope`` and ``z_entry``, the largest |z| of an entry.
        """
        mean_M, error_M = self._moments(*self.sums)
        biased_M = factor * mean_M + (factor - 1) * self.truth_M
        floor = ROUNDING * self.truth_M.abs().max()
        z_M = biased_M / (factor * error_M + floor)
        mean, error = self._moments(*self.slope_sums)
        slope = factor * (1 + mean)
        z_slope = (slope - 1) / (factor * error + ROUNDING)
        numbers = {"slope": slope, "z_slope": z_slope, "z_entry": z_M.abs().max()}
        return {name: float(number) for name, number in numbers.items()}

    def _moments(self, total: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and its standard error."""
        mean = total / self.draws
        variance = (squares / self.draws - mean**2).clamp(min=0)
        return mean, (variance / (self.draws - 1)).sqrt()


def check_bias(config: TrainConfig) -> None:
    """Refuse a request whose ``measure`` has numbers out of their range.

    Raises:
        UsageError: If one is.
    """
    assert config.measure is not None
    _check(config, config.measure.keeps, config.measure.repetitions, config.measure.at)


def measure_bias(config: TrainConfig) -> pd.DataFrame:
    """Test every estimator for bias, as the request's ``measure`` says.

    Args:
        config: Its ``measure`` gives the fractions, the estimates of each test and the warm-up.

    Returns:
        The rows of bias.csv.

    Raises:
        UsageError: As ``bias_rows``.
    """
    measure = config.measure
    assert measure is not None
    exact = dataclasses.replace(config, measure=None)
    return pd.DataFrame(bias_rows(exact, measure.keeps, measure.repetitions, measure.at))


def bias_rows(
    config: TrainConfig, keeps: Sequence[float], draws: int, warmup: int = 0
) -> list[dict[str, Any]]:
    """Test the paper's estimators that sketch for bias, on one batch of one network.

    Everything is float64, so that only an estimator's own error is seen. Tested are the parameters
    whose gradient is random; of the others a mean that is not the exact one to rounding makes the
    score infinite.

    Args:
        config: The network, its data, seed and ``training.batch_size``.
        keeps: Kept fractions, 0 < keep < 1.
        draws: Gradient estimates of each, at least 2.
        warmup: Exact training steps before, for weights that are not those of the start.

    Returns:
        For each estimator and fraction one row with ``factor`` 1 and one with the planted bias;
        the columns are those that ``radexp.analysis.bias_claim`` reads.

    Raises:
        UsageError: If a number is out of its range, the network is no classifier, or all estimates
            are exact.
    """
    _check(config, keeps, draws, warmup)
    torch.set_num_threads(config.threads or 1)  # more only get in the way of small products
    exact = dataclasses.replace(config, estimator=load_estimator_config("exact"), budget=None)
    plan = make_plan(exact)
    model, task, batch = _problem(plan, warmup)
    truth = _gradient(model, task, batch)
    rows = []
    for name, keep in product(ESTIMATORS, keeps):
        own = derive_seed(config.seed, "bias", name, str(keep))
        randomize(model, Estimator.named(name, keep=keep), seed=own)
        found = _test(model, task, batch, truth, draws)
        of: dict[str, Any] = {"model": config.model.name, "data": config.data.name}
        rows += [{**of, "estimator": name, "keep": keep, **row} for row in found]
    return rows


def _check(config: TrainConfig, keeps: Sequence[float], draws: int, warmup: int) -> None:
    """Refuse numbers out of their range."""
    require(
        config.model.task == CLASSIFICATION,
        f"model={config.model.name}",
        ", ".join(options_for("model", CLASSIFICATION)),
        "pick one of them",
    )
    ok = len(keeps) > 0 and all(0 < keep < 1 for keep in keeps)
    require(ok, f"keeps={list(keeps)}", "fractions, 0 < keep < 1", "try keeps=[0.3]")
    require(draws >= 2, f"draws={draws}", "2 or more", "try draws=2000")
    require(warmup >= 0, f"warmup={warmup}", "0 or more iterations", "try warmup=100")


def _problem(plan: Plan, warmup: int) -> tuple[nn.Module, Task, Batch]:
    """Return the trained network in float64 with stock layers, its task, and one batch."""
    _, weights = next(trained_weights(plan, [warmup]))
    model, task = plan.workload.build(plan.estimator, torch.device(plan.config.device))
    model.load_state_dict(weights)
    inputs, labels = task.next_batch()
    return model.double(), task, (inputs.double(), labels)


def _gradient(model: nn.Module, task: Task, batch: Batch) -> Gradient:
    """Return the gradient of each parameter, flattened."""
    named = dict(model.named_parameters())
    loss, _ = task.loss(model, batch)
    grads = torch.autograd.grad(loss, list(named.values()))
    return {name: grad.flatten() for name, grad in zip(named, grads, strict=True)}


def _test(
    model: nn.Module, task: Task, batch: Batch, truth: Gradient, draws: int
) -> list[dict[str, Any]]:
    """Draw estimates and return the rows of one estimator."""
    first = _gradient(model, task, batch)
    limits = {name: ROUNDING * float(exact.abs().max()) for name, exact in truth.items()}
    random = [name for name in truth if _distance(first, truth, name) > limits[name]]
    require(
        bool(random), "estimates that are exact", "random ones", "lower keep, or train the network"
    )
    tally = BiasTally(_joined(truth, random))
    exactly = True
    for _ in range(draws):
        estimate = _gradient(model, task, batch)
        tally.add(_joined(estimate, random))
        others = (name for name in truth if name not in random)
        exactly &= all(_distance(estimate, truth, name) <= limits[name] for name in others)
    rows = []
    for factor in (1.0, PLANTED):
        row = {"factor": factor, "draws": draws, "entries": len(tally.truth_M)}
        row |= tally.scores(factor)
        rows.append(row if exactly else {**row, "z_entry": float("inf")})
    return rows


def _distance(estimate: Mapping[str, Tensor], truth: Mapping[str, Tensor], name: str) -> float:
    return float((estimate[name] - truth[name]).abs().max())


def _joined(gradient: Gradient, names: Sequence[str]) -> Tensor:
    return torch.cat([gradient[name] for name in names])
