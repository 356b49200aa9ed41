"""The rows of the memory table: every cell of a network, beside the paper's numbers for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from radexp.analysis.table1 import BATCH_SIZE, NETWORKS, closed_form_bytes, paper_bytes
from radexp.config import EstimatorConfig, TrainConfig, load_estimator_config, load_model_config
from radexp.errors import require
from radexp.experiments.fresh_process import in_fresh_process
from radexp.experiments.memory_cell import MemoryCell, measure_cell

NUM_CLASSES = 10
Problem = tuple[tuple[int, ...], int]  # shape of an example, number of classes


def table_arms(batch_size: int, keeps: Iterable[float]) -> list[EstimatorConfig]:
    """Return the arms of the paper's Table 1.

    Args:
        batch_size: Of the whole batch.
        keeps: Fractions below 1.

    Returns:
        The stock exact step; the exact step with lean operations, which is a small batch as large
        as the whole one; RAD at every fraction.

    Example:
        >>> [arm.name for arm in table_arms(150, [0.1])]
        ['exact', 'small_batch', 'rad']
    """
    return [
        load_estimator_config("exact"),
        load_estimator_config("small_batch", batch_size=batch_size),
        *(load_estimator_config("rad", keep=keep) for keep in keeps),
    ]


def published_problem(model: str) -> Problem:
    """Return the shape of an example and the classes of a network's row of Table 1.

    Example:
        >>> published_problem("mlp")
        ((1, 28, 28), 10)
    """
    return NETWORKS[model].input_shape, NUM_CLASSES


def memory_rows(config: TrainConfig) -> pd.DataFrame:
    """Measure one network's row of Table 1, each cell in a process of its own.

    Args:
        config: Its ``measure.keeps`` are the fractions below 1.

    Returns:
        The rows of memory.csv.

    Raises:
        UsageError: If the model has no row in Table 1.
    """
    name = config.model.name
    require(name in NETWORKS, f"model={name}", ", ".join(NETWORKS), "pick one of them")
    assert config.measure is not None
    problem = published_problem(name)
    rows = []
    for arm in table_arms(config.training.batch_size, config.measure.keeps):
        request = replace(config, estimator=arm, measure=None)
        rows.append(with_paper(measure_apart(request, problem), request, problem))
    return pd.DataFrame(rows).rename_axis("cell").reset_index()


def measure_apart(config: TrainConfig, problem: Problem) -> MemoryCell:
    """Measure a cell in a process of its own.

    Raises:
        UsageError: If it does not fit into memory.
    """
    given = (
        f"model={config.model.name} estimator={config.estimator.name} "
        f"training.batch_size={config.training.batch_size}"
    )
    return in_fresh_process(given, measure_cell, config, *problem)


def with_paper(cell: MemoryCell, config: TrainConfig, problem: Problem) -> dict[str, Any]:
    """Add the total, and for the paper's networks its printed cell and the closed form."""
    row = dict(cell.numbers)
    row["total_bytes"] = row["parameter_bytes"] + row["measured_saved_bytes"]
    name, keep = config.model.name, row["keep"]
    same = name in NETWORKS and row["batch_size"] == BATCH_SIZE
    if same and config.model == load_model_config(name) and problem == published_problem(name):
        row["paper_bytes"] = paper_bytes(name, keep)
        row["closed_form_bytes"] = closed_form_bytes(name, keep)
        row["closed_form_full_masks_bytes"] = closed_form_bytes(name, keep, full_masks=True)
    return row
