"""``radexp memory``: the paper's Table 1, predicted and measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from radexp.analysis.table1 import FRACTIONS, NETWORKS
from radexp.commands.composing import compose_jobs
from radexp.commands.words import wants_help, wrapped
from radexp.config import CLASSIFICATION, TrainConfig, options_for
from radexp.data import load_dataset
from radexp.errors import require
from radexp.experiments.memory_cell import MemoryCell, random_dataset
from radexp.experiments.memory_rows import (
    Problem,
    measure_apart,
    published_problem,
    table_arms,
    with_paper,
)
from radexp.experiments.plan import make_plan
from radexp.experiments.writing import ready_to_write, write_files
from radexp.reporting.environments import distinct
from radexp.reporting.memory_table import as_text, layers_as_text, write_figure

FILES = ("memory.csv", "memory_layers.csv", "memory.png", "environment.json")
HELP = f"""\
radexp memory: the bytes of a training step, calculated and measured (the paper's Table 1).

  radexp memory                                  # all 18 cells of Table 1
  radexp memory model=cnn --per-layer            # and what each layer keeps
  radexp memory model=cnn estimator=rad_shared,rad_project estimator.keep=0.1,0.05
  radexp memory model=mlp data=digits estimator=small_batch budget=10%

Words are overrides as in radexp train; a list of values, as in a=1,2, is measured value by value.
  model            {", ".join(options_for("model", CLASSIFICATION))} (default: all)
  data             whose shape of input to take (default: that of the model's row of Table 1)
  estimator        {wrapped(options_for("estimator", CLASSIFICATION), 19)}
                   (default: exact, small_batch at the whole batch, which is exact with lean
                   operations, and rad at the table's fractions)
  output           folder (default outputs/memory) for {", ".join(FILES[:3])} and
                   {FILES[3]}
  --per-layer      print what each layer keeps; memory_layers.csv has it in any case

Every cell is measured in a process of its own, on noise: memory depends on shapes alone. It has one
thread unless threads=N says otherwise; environment.json describes these processes."""

# An experiment is a sweep of seeds and tuned step sizes, on which memory does not depend.
NO_USE = ("experiment", "preset")


def memory(words: Sequence[str]) -> int:
    """Predict and measure the memory of every configuration that the words stand for.

    Args:
        words: Overrides, and flags of this command.

    Returns:
        The exit status.

    Raises:
        UsageError: If a word is impossible, the files cannot be written, or a cell does not fit
            into memory.
    """
    if wants_help(words):
        print(HELP)
        return 0
    overrides = [word for word in words if word != "--per-layer"]
    named = _keys(overrides)
    configs = _configs(overrides, named)
    folder = _folder(configs, named)
    problems = _problems(configs, named)
    for config, problem in zip(configs, problems, strict=True):  # refused before any work
        make_plan(config, random_dataset(*problem, 1))
    with ready_to_write(folder, FILES):
        cells = _measure(configs, problems)
        rows = map(with_paper, cells, configs, problems)
        table = pd.DataFrame(rows).rename_axis("cell")
        layers = {index: pd.DataFrame(cell.layers) for index, cell in enumerate(cells)}
        by_layer = pd.concat(layers, names=["cell"])
        write_files(folder, _contents(table, by_layer, cells))
    print(as_text(table))
    if "--per-layer" in words:
        print(layers_as_text(table, by_layer))
    print(f"{folder}: {', '.join(FILES)}")
    return 0


def _keys(overrides: Sequence[str]) -> set[str]:
    """Return the keys that the words name, and refuse words that this command cannot heed."""
    keys = set()
    for word in overrides:
        require(not word.startswith("-"), word, "--per-layer or KEY=VALUE", "see --help")
        key = word.partition("=")[0].lstrip("+")
        instead = "model, data and estimator with their keys, as memory depends on nothing else"
        require(key not in NO_USE, word, instead, "give, say, model=mlp estimator=exact,rad")
        keys.add(key)
    return keys


def _configs(overrides: Sequence[str], named: set[str]) -> list[TrainConfig]:
    """Compose every configuration; without an estimator, the cells of Table 1."""
    ours = []
    if not named & {"model", "model.name"}:
        ours.append(f"model={','.join(sorted(NETWORKS))}")
    if "budget" in named or any(name.partition(".")[0] == "estimator" for name in named):
        return compose_jobs(overrides, True, ours)
    bases = compose_jobs(overrides, True, [*ours, "estimator=exact"])
    _require_networks(bases)
    return [
        replace(base, estimator=arm)
        for base in bases
        for arm in table_arms(base.training.batch_size, FRACTIONS[1:])
    ]


def _require_networks(configs: Sequence[TrainConfig]) -> None:
    """Refuse models that are no networks."""
    for config in configs:
        require(
            config.model.task == CLASSIFICATION,
            f"model={config.model.name}",
            ", ".join(options_for("model", CLASSIFICATION)),
            "radexp train measures its memory in every run",
        )


def _folder(configs: Sequence[TrainConfig], named: set[str]) -> Path:
    """Return the one folder that all configurations name."""
    folders = {config.output for config in configs}
    require(len(folders) == 1 and "" not in folders, "output", "one folder", "try output=memory")
    return Path(folders.pop()) if "output" in named else Path("outputs/memory")


def _problems(configs: Sequence[TrainConfig], named: set[str]) -> list[Problem]:
    """Return every configuration's problem; each data set is loaded once, for its shape."""
    _require_networks(configs)

    @cache
    def load(name: str, root: str | None) -> Problem:
        dataset = load_dataset(name, root)
        return dataset.input_shape, dataset.num_classes

    of_table = not named & {"data", "data.name"}
    return [
        published_problem(config.model.name)
        if of_table and config.model.name in NETWORKS
        else load(config.data.name, config.data.root)
        for config in configs
    ]


def _measure(configs: Sequence[TrainConfig], problems: Sequence[Problem]) -> list[MemoryCell]:
    """Measure the cells one by one, behind a progress bar if standard error is a terminal."""
    cells = []
    with tqdm(configs, desc="measuring", unit="cell", leave=False, disable=None) as progress:
        for config, problem in zip(progress, problems, strict=True):
            cells.append(measure_apart(config, problem))
    return cells


def _contents(
    table: pd.DataFrame, by_layer: pd.DataFrame, cells: Sequence[MemoryCell]
) -> dict[str, bytes]:
    """Return what FILES hold; environment.json has a list of the distinct environments."""
    environments = distinct(cell.environment for cell in cells)
    picture = BytesIO()
    write_figure(table, picture)
    contents = (
        table.to_csv(lineterminator="\n").encode(),
        by_layer.droplevel(1).to_csv(lineterminator="\n").encode(),
        picture.getvalue(),
        f"{json.dumps(environments, indent=2)}\n".encode(),
    )
    return dict(zip(FILES, contents, strict=True))
