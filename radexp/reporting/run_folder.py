"""One run folder: config.yaml, summary.json, metrics.csv and environment.json."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radexp.config import describe_sizes
from radexp.reporting.reading import (
    as_integer,
    as_number,
    damaged,
    one_line,
    read_json,
    read_table,
    read_yaml,
    to_integers,
    to_numbers,
)
from radexp.reporting.summary import read_summary

SPLITS = ("batch", "train", "validation", "test")
METRICS = (
    "iteration",
    "examples_seen",
    "train_seconds",
    "split",
    "loss",
    "accuracy",
    "learning_rate",
    "gradient_norm",
)
CURVES = ("run", *METRICS)
SUMMARY_NUMBERS = (
    "bits",
    "micro_batch",
    "batch_size",
    "budget_bytes",
    "parameter_bytes",
    "predicted_saved_bytes",
    "measured_saved_bytes",
    "final_train_loss",
    "final_test_loss",
    "final_test_accuracy",
    "step_seconds",
    "train_seconds",
    "iterations_done",
)
NUMBERS = (*SUMMARY_NUMBERS, "keep", "lr", "weight_decay", "measured_peak_bytes", "target")
TEXTS = (
    *("run", "study", "preset", "model", "sizes", "data", "arm", "budget", "settings"),
    *("status", "message", "over_budget"),
)
INTEGERS = ("seed", "iterations")
RUNS = (*TEXTS, *INTEGERS, *NUMBERS)


# Keys with a column of their own, or that do not decide a run's numbers.
_OWN_COLUMN = (
    *("model.name", "model.hidden", "model.channels", "model.kernel_size", "model.pooling"),
    *("model.task", "model.default_data", "model.points", "model.steps", "model.final_time"),
    *("model.diffusion", "model.initial", "estimator.task"),
    *("data.name", "estimator.name", "estimator.keep", "estimator.bits"),
    *("estimator.batch_size", "estimator.micro_batch"),
    *("optimizer.lr", "optimizer.weight_decay", "training.iterations"),
    *("budget", "seed", "study", "preset", "output", "data.root", "scales", "tuned", "tune"),
)
# Left out of the digest at these values, so that runs from before the key was there agree.
_LATER: dict[str, Any] = {
    **{"training.holdout": 0, "measure": None, "estimator.also": None},
    "estimator.layer_bits": {},
    "estimator.layer_keep": {},
}


class RunFolder(NamedTuple):
    """What one folder says: a row of the run table, its curves, its environment."""

    row: dict[str, Any]
    curves: pd.DataFrame
    environment: dict[str, Any]


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds a run's record, whole or not."""
    if (folder / "summary.json").is_file():
        return True
    names = ("metrics.csv", "environment.json")
    return (folder / "config.yaml").is_file() and any((folder / n).is_file() for n in names)


def read_run(folder: Path) -> RunFolder:
    """Read one run's record.

    A folder without summary.json is a run that is going on or was killed: ``interrupted``.

    Raises:
        UsageError: If a file is missing or damaged; the message names it.
    """
    config, summary = _config(folder), _summary(folder)
    run = f"{config['study']}/{one_line(summary.pop('run_id'))}"
    row = {"run": run, **config, **summary}
    return RunFolder(row, _metrics(folder, run, summary["status"]), _environment(folder))


def check_curves(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Convert the text cells of metrics rows and check what curves rely on.

    Args:
        frame: Text cells with the columns of metrics.csv and ``run``.
        path: The file, for messages.

    Returns:
        The same with int64 and float64 columns.

    Raises:
        UsageError: If a cell is no number, a split unknown, or a point doubled.
    """
    wrong = frame.loc[~frame["split"].isin(SPLITS), "split"]
    if len(wrong):
        raise damaged(path, f"split={one_line(wrong.iloc[0])[:80]}", ", ".join(SPLITS))
    converted = frame.copy()
    for name in METRICS:
        if name in ("iteration", "examples_seen"):
            converted[name] = np.array(to_integers(frame[name], path), dtype=np.int64)
        elif name != "split":
            converted[name] = np.array(to_numbers(frame[name], path), dtype=np.float64)
    seconds = converted["train_seconds"]
    if not (np.isfinite(seconds) & (seconds >= 0)).all():
        raise damaged(path, "train_seconds that is not a time", "0 or more seconds")
    if converted.duplicated(["run", "split", "iteration"]).any():
        raise damaged(path, "one iteration and split twice", "one row for each")
    ordered = converted.sort_values(["run", "split", "iteration"])
    same = (ordered[["run", "split"]] == ordered[["run", "split"]].shift()).all(axis=1)
    for name in ("examples_seen", "train_seconds"):
        if (ordered[name].diff().lt(0) & same).any():
            raise damaged(path, f"{name} that goes back", f"{name} that grows with iteration")
    return converted[list(CURVES)]


def _digest(config: dict[str, Any]) -> str:
    """Return a short digest of every setting that has no column, so that versions differ in it."""
    rest: dict[str, Any] = {}
    for key, value in config.items():
        nested = value if isinstance(value, dict) and key not in _OWN_COLUMN else {"": value}
        names = {f"{key}.{name}".rstrip("."): entry for name, entry in nested.items()}
        rest |= {name: entry for name, entry in names.items() if name not in _OWN_COLUMN}
    rest = {key: value for key, value in rest.items() if _LATER.get(key, ()) != value}
    text = json.dumps(rest, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _config(folder: Path) -> dict[str, Any]:
    """Return the columns that come from config.yaml."""
    path = folder / "config.yaml"
    config = read_yaml(path)

    def required(key: str) -> Any:
        value = _get(config, key)
        if value is None:
            raise damaged(path, f"no {key}", "the resolved config of the run")
        return value

    return {
        "study": one_line(_get(config, "study") or folder.parent.name),
        "preset": one_line(_get(config, "preset") or ""),
        "model": one_line(required("model.name")),
        "sizes": one_line(describe_sizes(config["model"])),
        "settings": _digest(config),
        "data": one_line(required("data.name")),
        "arm": one_line(required("estimator.name")),
        "budget": one_line(_get(config, "budget") or ""),
        "seed": as_integer(required("seed"), path, "seed"),
        "iterations": as_integer(required("training.iterations"), path, "training.iterations"),
        "lr": as_number(_get(config, "optimizer.lr"), path, "optimizer.lr"),
        "weight_decay": as_number(
            _get(config, "optimizer.weight_decay"), path, "optimizer.weight_decay"
        ),
        "keep": as_number(_get(config, "estimator.keep"), path, "estimator.keep"),
        "target": _target(config, path),
    }


def _target(config: dict[str, Any], path: Path) -> float:
    """Return the training loss that the experiment fixed as a target at its scale, or NaN."""
    preset = str(_get(config, "preset"))
    return as_number(_get(config, "scales", preset, "target"), path, f"scales.{preset}.target")


def _summary(folder: Path) -> dict[str, Any]:
    """Return the columns that come from summary.json; those it lacks are unknown."""
    path = folder / "summary.json"
    summary = read_summary(folder) or {"status": "interrupted"}
    peak = summary.get("measured_peak_bytes") or {}
    if not isinstance(peak, dict):
        raise damaged(path, "measured_peak_bytes is not an object", "bytes by category")
    over = summary.get("over_budget")
    columns: dict[str, Any] = {
        "run_id": summary.get("run_id") or folder.name,
        "status": summary["status"],
        "message": one_line(summary.get("message") or ""),
        "over_budget": "" if over is None else "yes" if over is True else "no",
        "measured_peak_bytes": as_number(peak.get("total"), path, "measured_peak_bytes.total"),
        **{name: as_number(summary.get(name), path, name) for name in SUMMARY_NUMBERS},
    }
    if summary.get("keep") is not None:
        columns["keep"] = as_number(summary["keep"], path, "keep")
    return columns


def _metrics(folder: Path, run: str, status: str) -> pd.DataFrame:
    """Return the rows of metrics.csv; only a completed run must have them all."""
    path = folder / "metrics.csv"
    if not path.is_file() and status != "completed":
        empty = pd.DataFrame({name: pd.Series(dtype=str) for name in CURVES})
        return check_curves(empty, path)
    frame = read_table(path, METRICS, whole=status == "completed")
    return check_curves(frame.assign(run=run), path)


def _environment(folder: Path) -> dict[str, Any]:
    """Return environment.json, empty if there is none."""
    path = folder / "environment.json"
    environment = read_json(path) if path.is_file() else {}
    if not isinstance(environment, dict):
        raise damaged(path, "not an object", "the environment that radexp writes")
    return environment


def _get(config: dict[str, Any], *keys: str) -> Any:
    """Return a nested value by its one dotted key, or by several plain ones; None if not there."""
    value: Any = config
    for part in keys if len(keys) > 1 else keys[0].split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
