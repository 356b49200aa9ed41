"""What an experiment runs, read from its YAML alone: composing it would take far longer."""

from __future__ import annotations

from dataclasses import dataclass

import yaml  # type: ignore[import-untyped]

from radexp.catalogue import choices, config_folder
from radexp.config.task import options_for


@dataclass(frozen=True)
class Experiment:
    """One of ``configs/experiment``.

    Attributes:
        name: Its name.
        measure: What it measures; None if it trains.
        models: The networks or the control that it sweeps over; none if it has no use for one.
        estimators: What it trains with, its arms; none if it measures.
    """

    name: str
    measure: str | None
    models: tuple[str, ...]
    estimators: tuple[str, ...]


def read_experiment(name: str) -> Experiment:
    """Return what an experiment runs.

    Args:
        name: One of ``choices("experiment")``.

    Example:
        >>> read_experiment("seqmnist_rnn").estimators
        ('exact', 'small_batch', 'rad', 'rad_shared')
        >>> read_experiment("reactor_checkpoint").models
        ('reactor',)
    """
    chosen = _chosen(name)
    measure = chosen.get("measure")
    arms = () if measure else tuple(chosen["estimator"].split(","))
    models = tuple(chosen["model"].split(",")) if "model" in chosen else ()
    return Experiment(name, measure, models, arms)


def experiments_for(task: str) -> list[str]:
    """Return the experiments that train one model for a task.

    Args:
        task: One of ``TASKS``.

    Example:
        >>> experiments_for("control")
        ['reactor', 'reactor_checkpoint', 'reactor_shared']
    """
    found = [read_experiment(name) for name in choices("experiment")]
    trained = [one for one in found if one.measure is None and len(one.models) == 1]
    return [one.name for one in trained if one.models[0] in options_for("model", task)]


def _chosen(name: str) -> dict[str, str]:
    """Return what an experiment chooses of each group, or those that it builds on; lists too."""
    path = config_folder() / "experiment" / f"{name}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    chosen: dict[str, str] = {}
    for entry in content["defaults"]:
        if isinstance(entry, str):
            chosen |= _chosen(entry)
        else:
            chosen |= {key.removeprefix("override /"): value for key, value in entry.items()}
    swept = content.get("hydra", {}).get("sweeper", {}).get("params", {})
    return chosen | {key: str(value) for key, value in swept.items()}
