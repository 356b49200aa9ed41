"""``radexp memory``: the paper's Table 1, predicted and measured."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import torch
from tqdm import tqdm

from radexp.analysis.table1 import (
    BATCH_SIZE,
    FRACTIONS,
    NETWORKS,
    closed_form_bytes,
    paper_bytes,
)
from radexp.catalogue import choices
from radexp.commands.composing import compose_jobs
from radexp.commands.words import wants_help
from radexp.config import TrainConfig, load_estimator_config
from radexp.data import load_dataset
from radexp.errors import UsageError, require
from radexp.experiments.environment import describe_environment
from radexp.experiments.folder import make_folder
from radexp.experiments.memory_cell import Cell, measure_cell, random_dataset
from radexp.experiments.plan import make_plan
from radexp.reporting.memory_table import as_text, layers_as_text, write_figure

HELP = f"""\
radexp memory: the bytes of a training step, calculated and measured (the paper's Table 1).

  radexp memory                                  # all 18 cells of Table 1
  radexp memory model=cnn --per-layer            # and what each layer keeps
  radexp memory model=cnn estimator=rad_shared,rad_project estimator.keep=0.1,0.05
  radexp memory model=mlp data=digits estimator=small_batch budget=10%

Words are overrides as in radexp train; a list of values, as in a=1,2, is measured value by value.
  model            {", ".join(choices("model"))} (default: all)
  data             whose shape of input to take (default: that of the model's row of Table 1)
  estimator        {", ".join(choices("estimator"))}
                   (default: exact, small_batch at the whole batch, which is exact with lean
                   operations, and rad at the table's fractions)
  output           folder (default outputs/memory); memory.csv, memory_layers.csv, memory.png,
                   environment.json
  --per-layer      print what each layer keeps; memory_layers.csv has it in any case

Every cell is measured in a process of its own, on noise: memory depends on shapes alone."""

NUM_CLASSES = 10
Result = TypeVar("Result")


def memory(words: Sequence[str]) -> int:
    """Predict and measure the memory of every configuration that the words stand for.

    Raises:
        UsageError: If a word is impossible.
    """
    if wants_help(words):
        print(HELP)
        return 0
    per_layer = "--per-layer" in words
    overrides = [word for word in words if word != "--per-layer"]
    for word in overrides:
        require(not word.startswith("-"), word, "--per-layer or KEY=VALUE", "see --help")
    named = {word.partition("=")[0] for word in overrides}
    configs = _configs(overrides, named)
    folders = {config.output for config in configs}
    require(len(folders) == 1 and "" not in folders, "output", "one folder", "try output=memory")
    folder = Path(folders.pop()) if "output" in named else Path("outputs/memory")
    jobs = [(config, *_problem(config, named)) for config in configs]
    for config, input_shape, num_classes in jobs:  # what is impossible is refused before any work
        make_plan(config, random_dataset(input_shape, num_classes, 1))
    make_folder(folder)
    progress = tqdm(jobs, desc="measuring", unit="cell", leave=False)
    cells = [in_fresh_process(measure_cell, *job) for job in progress]
    rows = [_with_paper(cell, *job) for cell, job in zip(cells, jobs, strict=True)]
    table = pd.DataFrame(rows).rename_axis("cell")
    layers = pd.concat(
        {index: pd.DataFrame(cell.layers) for index, cell in enumerate(cells)}, names=["cell"]
    )
    table.to_csv(folder / "memory.csv")
    layers.droplevel(1).to_csv(folder / "memory_layers.csv")
    environment = describe_environment(torch.device("cpu"))
    text = json.dumps(environment, indent=2) + "\n"
    (folder / "environment.json").write_text(text, encoding="utf-8")
    write_figure(table, folder / "memory.png")
    print(as_text(table))
    if per_layer:
        print(layers_as_text(table, layers))
    print(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0


def _configs(overrides: Sequence[str], named: set[str]) -> list[TrainConfig]:
    """Compose every configuration; without an estimator, the cells of Table 1."""
    words = list(overrides)
    if "model" not in named:
        words.append(f"model={','.join(sorted(NETWORKS))}")
    if "budget" in named or any(name.partition(".")[0] == "estimator" for name in named):
        return compose_jobs(words, multirun=True)
    exact = compose_jobs([*words, "estimator=exact"], multirun=True)
    keeps = ",".join(str(fraction) for fraction in FRACTIONS[1:])
    rad = compose_jobs([*words, "estimator=rad", f"estimator.keep={keeps}"], multirun=True)
    return sorted([*exact, *map(_lean, exact), *rad], key=lambda config: config.model.name)


def _lean(config: TrainConfig) -> TrainConfig:
    """Return the same with lean operations: the small batch, as large as the whole one."""
    size = config.training.batch_size
    return replace(config, estimator=load_estimator_config("small_batch", batch_size=size))


def _problem(config: TrainConfig, named: set[str]) -> tuple[tuple[int, ...], int]:
    """Return the shape of an example, and the number of classes."""
    if "data" not in named and config.model.name in NETWORKS:
        return NETWORKS[config.model.name].input_shape, NUM_CLASSES
    dataset = load_dataset(config.data.name, config.data.root)
    return dataset.input_shape, dataset.num_classes


def in_fresh_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a new process, on one thread unless the request says otherwise.

    Raises:
        UsageError: If the process dies, for want of memory for example.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise UsageError(
                f"{arguments[0]}: the measuring process died, perhaps for want of memory: allowed "
                "is what fits; take a smaller model or training.batch_size"
            ) from error


def _with_paper(
    cell: Cell, config: TrainConfig, input_shape: tuple[int, ...], num_classes: int
) -> dict[str, Any]:
    """Add the total, and for the paper's networks its printed cell and the closed form."""
    row = dict(cell.numbers)
    row["total_bytes"] = row["parameter_bytes"] + row["measured_saved_bytes"]
    model, keep = config.model.name, row["keep"]
    papers = compose_jobs([f"model={model}"], multirun=False)[0].model
    same = model in NETWORKS and config.model == papers and row["batch_size"] == BATCH_SIZE
    if same and input_shape == NETWORKS[model].input_shape and num_classes == NUM_CLASSES:
        row["paper_bytes"] = paper_bytes(model, keep)
        row["closed_form_bytes"] = closed_form_bytes(model, keep)
        row["closed_form_full_masks_bytes"] = closed_form_bytes(model, keep, full_masks=True)
    return row
