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

from radexp.config import TrainConfig, load_estimator_config, options_for
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
from radexp.training.noise import Gradient, gradient
from radexp.training.task import Batch

# The fraction of the paper's comparisons: the bytes of rad that keeps it are a budget, too.
PUBLISHED_KEEP = 0.1
BITS = 8  # of a byte
# Rounding takes two float32 scales for 512 entries besides its codes.
SCALE_BITS = 64 / 512


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
        The rows of frontier.csv, one for each estimator, budget and repetition. ``sketch``,
        ``batch`` and ``total`` are as in noise.csv, of all layers together. ``seconds`` are those
        of its forward and backward pass, ``stock_seconds`` those of the stock exact step beside it.
        Of the network they have ``exact_bytes``, what the stock exact step holds; ``entries``, the
        numbers that a sketch stands in for; and ``floor_bytes``, what is held beside them: one
        bit for each entry of a ReLU, and the loss's own.
    """
    assert config.measure is not None
    exact = dataclasses.replace(
        config, measure=None, budget=None, estimator=load_estimator_config("exact")
    )
    base = make_plan(drawing_anew(exact))
    budgets = [*config.measure.budgets, _published_budget(base)]
    entries = [entry for budget in sorted(set(budgets)) for entry in _entries(base, budget)]
    ((at, weights),) = trained_weights(make_plan(exact), [config.measure.at])
    rows = list(_draw(base, entries, weights, config.measure.repetitions))
    described = pd.DataFrame([entry.describe() for entry in entries]).reset_index(names="entry")
    table = described.merge(pd.DataFrame(rows), on="entry", validate="one_to_many")
    return table.drop(columns="entry").assign(iteration=at, **_sizes(base))


def _published_budget(base: Plan) -> float:
    """Return the part of the stock step's bytes that ``rad`` holds at the published fraction."""
    rad = load_estimator_config("rad", keep=PUBLISHED_KEEP)
    saved = sum(base.workload.by_layer(rad).values())
    return saved / base.predicted_saved_bytes


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


def _sizes(base: Plan) -> dict[str, int]:
    """Return the bytes of the network's stock step, its sketched entries, and the rest's bytes."""
    one, two = (
        sum(base.workload.by_layer(load_estimator_config("rounding", bits=bits)).values())
        for bits in (1, 2)
    )
    entries = (two - one) * BITS
    floor = one - round(entries * (1 + SCALE_BITS) / BITS)
    return {
        "exact_bytes": base.predicted_saved_bytes,
        "floor_bytes": floor,
        "entries": entries,
        "parameter_bytes": base.parameter_bytes,
    }


def _draw(
    base: Plan, entries: Sequence[Entry], weights: Weights, repetitions: int
) -> Iterator[dict[str, Any]]:
    """Draw gradients of all entries, those of one batch size on the same batches."""
    stock, whole_task = with_weights(base, weights)
    reference = reference_gradient(stock, whole_task)
    scale = _squared(reference)
    for size in sorted({entry.plan.batch_size for entry in entries}, reverse=True):
        members = [i for i, entry in enumerate(entries) if entry.plan.batch_size == size]
        models = {i: with_weights(entries[i].plan, weights) for i in members}
        _, task = models[members[0]]
        for repetition in range(repetitions):
            batch = task.next_batch()
            whole = batch if size == base.batch_size else whole_task.next_batch()
            of_whole, stock_seconds = _timed(stock, whole_task, whole)
            exact = of_whole if batch is whole else gradient(stock, whole_task, batch)
            of_batch = _squared(exact, reference) / scale
            for i, (model, own_task) in models.items():
                estimate, seconds = _timed(model, own_task, batch)
                yield {
                    "entry": i,
                    "repetition": repetition,
                    "sketch": _squared(estimate, exact) / scale,
                    "batch": of_batch,
                    "total": _squared(estimate, reference) / scale,
                    "seconds": seconds,
                    "stock_seconds": stock_seconds,
                }


def _timed(model: nn.Module, task: Task, batch: Batch) -> tuple[Gradient, float]:
    """Return a batch's gradient and the seconds that it took."""
    _wait(batch)
    start = time.perf_counter()
    found = gradient(model, task, batch)
    _wait(batch)
    return found, time.perf_counter() - start


def _wait(batch: Batch) -> None:
    """Let a GPU finish what it was given."""
    if batch[0].is_cuda:
        torch.cuda.synchronize()


def _squared(one: Gradient, other: Gradient | None = None) -> float:
    """Return the squared length of a gradient, or of the difference of two."""
    differences = [vector - other[name] if other else vector for name, vector in one.items()]
    return float(sum(difference.square().sum() for difference in differences))
