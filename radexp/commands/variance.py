"""``radexp variance``: gradient variance and bias of estimators, against the bytes they keep."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from radexp.analysis.noise_summary import against_small_batch, summarize
from radexp.catalogue import choices
from radexp.commands.composing import compose_jobs
from radexp.commands.words import read_words, wants_help, wrapped
from radexp.config import TrainConfig, load_estimator_config
from radexp.errors import require
from radexp.experiments.environment import describe_environment
from radexp.experiments.noise_arms import SKETCHED, Arm, arm_of, compared_arms, measure_arms
from radexp.experiments.noise_points import (
    Weights,
    drawing_anew,
    is_exact,
    run_weights,
    trained_weights,
)
from radexp.experiments.plan import make_plan
from radexp.experiments.writing import ready_to_write, write_files
from radexp.reporting.noise_table import as_text, compared_as_text, write_figure

FILES = ("noise.csv", "variance.csv", "variance.png", "environment.json")
LEVELS = (0.05, 0.1, 0.3, 0.5, 0.8)
NO_USE = ("experiment", "preset")
HELP = f"""\
radexp variance: how far gradient estimates are from the exact gradient, against bytes kept.

  radexp variance model=mlp                      # three sketches at five fractions, small batches
  radexp variance model=mlp data=mnist at=0,500,2000
  radexp variance model=cnn estimator=rad,rad_shared estimator.keep=0.1,0.3 --per-layer
  radexp variance run=outputs/train/RUN estimator=rad,small_batch budget=10%

Words are overrides as in radexp train; a list of values, as in a=1,2, is measured value by value.
  model            {", ".join(choices("model"))} (default: mlp)
  data             {", ".join(name for name in choices("data") if name != "none")}
  estimator        {wrapped(choices("estimator"), 19)}
                   (default: {", ".join(SKETCHED)} at keep
                   {", ".join(map(str, LEVELS))}, and small batches of rad's bytes)
  at               iterations of exact training after which to measure (default 0)
  run              folder of a run: measure at its last checkpoint instead
  repetitions      gradients to draw of each estimator (default 30)
  output           folder (default outputs/variance) for {", ".join(FILES[:3])} and
                   {FILES[3]}
  --per-layer      print every layer; {FILES[1]} has them in any case

The exact gradient is that of the whole training set."""


@dataclass
class Keys:
    """The keys of this command alone."""

    at: str | None = None
    run: str | None = None
    repetitions: int = 30

    @cached_property
    def iterations(self) -> list[int]:
        """The points of training, in rising order."""
        words = (self.at or "0").split(",")
        allowed = "iterations, whole numbers of at least 0"
        good = all(word.strip().isdecimal() for word in words)
        require(good, f"at={self.at}", allowed, "try at=0,500,2000")
        return sorted({int(word) for word in words})


def variance(words: Sequence[str]) -> int:
    """Measure bias and variance of every estimator that the words stand for.

    Args:
        words: Overrides, keys and flags of this command.

    Returns:
        The exit status.

    Raises:
        UsageError: If a word is impossible or the files cannot be written.
    """
    if wants_help(words):
        print(HELP)
        return 0
    keys, overrides = _split(words)
    base, points = _points(keys, overrides)
    arms = _arms(overrides, base)
    folder = Path(base.output if _given(overrides, "output") else "outputs/variance")
    if base.threads:
        torch.set_num_threads(base.threads)
    with ready_to_write(folder, FILES):
        rows = _measure(arms, points, keys)
        table = summarize(rows)
        write_files(folder, _contents(rows, table, arms[0].plan.config.device))
    print(as_text(table, "--per-layer" in words))
    if text := compared_as_text(against_small_batch(rows)):
        print(f"\n{text}")
    print(f"{folder}: {', '.join(FILES)}")
    return 0


def _split(words: Sequence[str]) -> tuple[Keys, list[str]]:
    """Part this command's own keys from the overrides."""
    names = {key.name for key in dataclasses.fields(Keys)}
    words = [word for word in words if word != "--per-layer"]
    for word in words:
        require(not word.startswith("-"), word, "--per-layer or KEY=VALUE", "see --help")
        key = word.partition("=")[0].lstrip("+")
        instead = "model, data, estimator and their keys"
        require(key not in NO_USE, word, instead, "give, say, model=mlp optimizer.lr=1e-3")
    keys = read_words([word for word in words if word.partition("=")[0] in names], Keys)
    given = f"repetitions={keys.repetitions}"
    require(keys.repetitions >= 2, given, "a whole number of at least 2", "try repetitions=30")
    both = f"at={keys.at} and run={keys.run}"
    require(None in (keys.at, keys.run), both, "one of the two", "drop one")
    return keys, [word for word in words if word.partition("=")[0] not in names]


def _given(overrides: Sequence[str], *groups: str) -> list[str]:
    """Return the words that set one of some groups, or a key below it."""
    return [
        word for word in overrides if word.partition("=")[0].lstrip("+").partition(".")[0] in groups
    ]


def _points(
    keys: Keys, overrides: Sequence[str]
) -> tuple[TrainConfig, Iterator[tuple[int, Weights]]]:
    """Return the configuration whose estimator is exact, and the points of its training."""
    if keys.run is not None:
        ours = _given(overrides, "estimator", "budget", "output", "threads", "device")
        decided = [word for word in overrides if word not in ours]
        require(not decided, f"{' '.join(decided)} with run={keys.run}", "the run's", "drop them")
        config, iteration, weights = run_weights(Path(keys.run))
        rest = _one(_given(overrides, "output", "threads", "device"))
        config = dataclasses.replace(
            config, output=rest.output, threads=rest.threads, device=rest.device, budget=None
        )
        config = dataclasses.replace(config, estimator=load_estimator_config("exact"))
        return config, iter([(iteration, weights)])
    config = _one([w for w in overrides if w not in _given(overrides, "estimator", "budget")])
    return config, trained_weights(make_plan(config), keys.iterations)


def _one(overrides: Sequence[str]) -> TrainConfig:
    """Compose a single configuration with the exact estimator."""
    return compose_jobs(overrides, multirun=False, ours=["estimator=exact"])[0]


def _arms(overrides: Sequence[str], base: TrainConfig) -> list[Arm]:
    """Return the arms that the words name, or those of the published comparison."""
    named = _given(overrides, "estimator", "budget")
    measured = drawing_anew(base)
    if not named:
        return compared_arms(measured, LEVELS)
    jobs = compose_jobs(named, multirun=True, ours=[f"model={base.model.name}"])
    arms = [arm_of(measured, job.estimator, job.budget) for job in jobs]
    arms += [] if any(is_exact(arm.plan) for arm in arms) else [Arm(make_plan(measured))]
    return list({arm.name: arm for arm in arms}.values())


def _measure(
    arms: Sequence[Arm], points: Iterator[tuple[int, Weights]], keys: Keys
) -> pd.DataFrame:
    """Measure all arms at all points, behind a progress bar on a terminal."""
    plans = {arm.name: arm.plan for arm in arms}
    groups = len({plan.batch_size for plan in plans.values()})
    total = len(keys.iterations) * keys.repetitions * (groups + len(plans))
    with tqdm(total=total, desc="gradients", unit="", leave=False, disable=None) as progress:
        return measure_arms(arms, points, keys.repetitions, progress.update)


def _contents(rows: pd.DataFrame, table: pd.DataFrame, device: str) -> dict[str, bytes]:
    """Return what FILES hold."""
    picture = BytesIO()
    write_figure(table, picture)
    environment = describe_environment(torch.device(device))
    contents = (
        rows.to_csv(index=False, lineterminator="\n", float_format="%.6g").encode(),
        table.to_csv(index=False, lineterminator="\n", float_format="%.6g").encode(),
        picture.getvalue(),
        f"{json.dumps(environment, indent=2)}\n".encode(),
    )
    return dict(zip(FILES, contents, strict=True))
