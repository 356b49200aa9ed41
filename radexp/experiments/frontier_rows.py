"""Every estimator at every budget: the gradient noise that it adds, and the time of its step."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn

from radexp.analysis.noise_summary import WHOLE
from radexp.config import EstimatorConfig, TrainConfig, load_estimator_config, options_for
from radexp.errors import BudgetError
from radexp.experiments.noise_points import (
    Weights,
    drawing_anew,
    reference_gradient,
    trained_weights,
    with_weights,
)
from radexp.experiments.plan import Plan, make_plan
from radexp.training import Task
from radexp.training.noise import Gradient, by_layer, differentiate, gradient
from radexp.training.task import Batch

# The fraction of the paper's comparisons: the bytes of rad that keeps it are a budget, too.
PUBLISHED_KEEP = 0.1
BITS = 8  # of a byte
# Rounding takes two float32 scales for 512 entries besides its codes.
SCALE_BITS = 64 / 512
# The estimator whose noise is written by layer: it tells how much entries weigh in the gradient.
PROBE = "rad"


@dataclass(frozen=True)
class Entry:
    """An estimator at a budget.

    Attributes:
        budget: Part of what the stock exact step holds.
        plan: How it uses that.
    """

    budget: float
    plan: Plan

    def describe(self) -> dict[str, Any]:
        """Return its columns of frontier.csv."""
        plan = self.plan
        return {
            "model": plan.config.model.name,
            "data": plan.config.data.name,
            "estimator": plan.estimator.name,
            "budget": self.budget,
            "keep": plan.estimator.kept_fraction,
            "batch_size": plan.batch_size,
            "micro_batch": plan.estimator.micro_batch,
            "saved_bytes": plan.predicted_saved_bytes,
        }


def frontier_rows(config: TrainConfig) -> pd.DataFrame:
    """Measure every estimator at every budget into which it fits, at one point of exact training.

    Args:
        config: Its ``measure`` says at which budgets, after how many iterations, how often. The
            bytes of ``rad`` at keep 0.1 are one budget more.

    Returns:
        The rows of frontier.csv, one for each estimator, budget and repetition; of ``rad`` also
        one for each layer. ``sketch``, ``batch`` and ``total`` are as in noise.csv. ``seconds`` are
        those of its forward and backward pass, ``stock_seconds`` those of the stock exact step
        right before it. ``entries`` are the numbers that a sketch stands in for. Of the network
        they have ``exact_bytes``, what the stock exact step holds, and ``floor_bytes``, what is
        held beside sketches: one bit for each entry of a ReLU, and the loss's own.
    """
    assert config.measure is not None
    exact = dataclasses.replace(
        config, measure=None, budget=None, estimator=load_estimator_config("exact")
    )
    base = make_plan(drawing_anew(exact))
    budgets = [*config.measure.budgets, _published_budget(base)]
    entries = [entry for budget in sorted(set(budgets)) for entry in _entries(base, budget)]
    ((at, weights),) = trained_weights(make_plan(exact), [config.measure.at])
    rows = pd.DataFrame(_draw(base, entries, weights, config.measure.repetitions))
    counts = _counts(base)
    rows["entries"] = rows["layer"].map({**counts, WHOLE: sum(counts.values())})
    rows = rows[rows["entries"].notna()]  # a layer whose input nothing stands in for has no noise
    described = pd.DataFrame([entry.describe() for entry in entries]).reset_index(names="entry")
    table = described.merge(rows, on="entry", validate="one_to_many").drop(columns="entry")
    one = _saved(base, load_estimator_config("rounding", bits=1))
    of_sketches = round(sum(counts.values()) * (1 + SCALE_BITS) / BITS)
    return table.assign(
        entries=table["entries"].astype(int),
        iteration=at,
        exact_bytes=base.predicted_saved_bytes,
        floor_bytes=sum(one.values()) - of_sketches,
        parameter_bytes=base.parameter_bytes,
    )


def _saved(base: Plan, estimator: EstimatorConfig) -> dict[str, int]:
    return base.workload.by_layer(estimator)


def _published_budget(base: Plan) -> float:
    """Return the part of the stock step's bytes that ``rad`` holds at the published fraction."""
    rad = load_estimator_config(PROBE, keep=PUBLISHED_KEEP)
    return sum(_saved(base, rad).values()) / base.predicted_saved_bytes


def _entries(base: Plan, budget: float) -> Iterator[Entry]:
    """Plan all estimators at a budget, but those that do not fit into it."""
    limit = base.parameter_bytes + round(budget * base.predicted_saved_bytes)
    for name in options_for("estimator", base.config.model.task):
        estimator = load_estimator_config(name)
        config = dataclasses.replace(base.config, estimator=estimator, budget=f"{limit}B")
        try:
            plan = make_plan(config)
        except BudgetError:
            continue
        if not plan.over_budget:
            yield Entry(budget, plan)


def _counts(base: Plan) -> dict[str, int]:
    """Return the entries that a sketch stands in for, by layer: what a bit more of each takes."""
    one, two = (_saved(base, load_estimator_config("rounding", bits=bits)) for bits in (1, 2))
    return {name: BITS * (two[name] - one[name]) for name in one if two[name] > one[name]}


def _draw(
    base: Plan, entries: Sequence[Entry], weights: Weights, repetitions: int
) -> Iterator[dict[str, Any]]:
    """Draw gradients of all entries, those of one batch size on the same batches."""
    stock, whole_task = with_weights(base, weights)
    reference = reference_gradient(stock, whole_task)
    scale = sum(_squared(reference, {}).values())
    for size in sorted({entry.plan.batch_size for entry in entries}, reverse=True):
        members = [i for i, entry in enumerate(entries) if entry.plan.batch_size == size]
        models = {i: with_weights(entries[i].plan, weights) for i in members}
        _, task = models[members[0]]
        for repetition in range(repetitions):
            batch = task.next_batch()
            whole = batch if size == base.batch_size else whole_task.next_batch()
            exact = gradient(stock, whole_task, batch)
            of_batch = _squared(exact, reference)
            for i, (model, own_task) in models.items():
                _, stock_seconds = _timed(stock, whole_task, whole)
                estimate, seconds = _timed(model, own_task, batch)
                layers = {WHOLE: list(reference)}
                if entries[i].plan.estimator.name == PROBE:
                    layers |= {name: [name] for name in reference}
                parts = {
                    "sketch": _squared(estimate, exact),
                    "batch": of_batch,
                    "total": _squared(estimate, reference),
                }
                for layer, names in layers.items():
                    noise = {
                        key: sum(of_layer[name] for name in names) / scale
                        for key, of_layer in parts.items()
                    }
                    times = {"seconds": seconds, "stock_seconds": stock_seconds}
                    yield {"entry": i, "layer": layer, "repetition": repetition, **noise, **times}


def _timed(model: nn.Module, task: Task, batch: Batch) -> tuple[Gradient, float]:
    """Return a batch's gradient and the seconds of its forward and backward pass."""
    _wait(batch)
    start = time.perf_counter()
    grads = differentiate(model, task, batch)
    _wait(batch)
    seconds = time.perf_counter() - start
    return by_layer(model, grads), seconds


def _wait(batch: Batch) -> None:
    """Let a GPU finish what it was given."""
    if batch[0].is_cuda:
        torch.cuda.synchronize()


def _squared(one: Gradient, other: Gradient) -> dict[str, float]:
    """Return the squared length of the difference, by layer; no other gradient is 0."""
    return {
        name: float((vector - other.get(name, 0.0)).square().sum()) for name, vector in one.items()
    }
