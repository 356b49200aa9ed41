"""Synthetic run folders: each arm's loss falls to a floor of its own, a little off by seed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pytest
from sealed import write_summary

from radexp.reporting.measured_table import KINDS

HEADER = "iteration,examples_seen,train_seconds,split,loss,accuracy,learning_rate,gradient_norm\n"
ARMS = {
    "exact": (0.010, 150, 0.0020),
    "small_batch": (0.080, 20, 0.0008),
    "rad": (0.030, 150, 0.0026),
    "rad_shared": (0.055, 150, 0.0018),
    "rad_project": (0.120, 150, 0.0024),
}


class MakeRun(Protocol):
    def __call__(self, arm: str = ..., seed: int = ..., **changes: Any) -> Path: ...


def write_metrics(
    folder: Path, arm: str, seed: int, status: str, iterations: int, level: float, every: int
) -> tuple[float, int]:
    """Write metrics.csv; return the last loss and iteration."""
    _, batch, step_seconds = ARMS[arm]
    lines, done = [HEADER], iterations if status == "completed" else iterations // 2
    for iteration in range(0, done + 1, every):
        wobble = 1 + 0.1 * math.sin(3 * seed + iteration / 130)
        loss = (level + 2.3 * math.exp(-iteration / (60 + 800 * level))) * wobble
        if status == "diverged" and iteration == done:
            loss = math.inf
        where = f"{iteration},{iteration * batch},{iteration * step_seconds * (1 + seed / 20)}"
        lines.append(f"{where},train,{loss},{1 / (1 + loss)},0.001,\n")
        lines.append(f"{where},test,{loss + 0.06},{1 / (1.05 + loss)},0.001,\n")
        if iteration:
            lines.append(f"{where},batch,{loss * 1.3},,0.001,0.7\n")
    (folder / "metrics.csv").write_text("".join(lines))
    return loss, done


def write_run(
    root: Path,
    arm: str = "rad",
    seed: int = 0,
    status: str = "completed",
    study: str = "mnist_mlp-quick",
    data: str = "mnist",
    model: str = "mlp",
    iterations: int = 2000,
    every: int = 100,
    floor: float | None = None,
    keep: float | None = None,
    budget: str | None = "10%",
    message: str = "",
    target: float | None = 0.05,
) -> Path:
    """Write one run folder; a diverged run stops halfway with a loss that is not finite."""
    level, batch, step_seconds = ARMS[arm]
    level = level if floor is None else floor
    folder = root / study / f"{arm}-{iterations}-{keep}-s{seed}"
    folder.mkdir(parents=True)
    saved_bytes = 150_000 if arm == "exact" else 20_000
    kept = keep if keep is not None else 0.0914 if arm.startswith("rad") else None
    config = {
        "model": {"name": model, "hidden": [300, 300, 300]},
        "data": {"name": data},
        "estimator": {"name": arm, "keep": keep},
        "optimizer": {"lr": 1e-3, "weight_decay": 4.066478e-7},
        "training": {"iterations": iterations, "batch_size": 150},
        **{"budget": budget, "seed": seed, "study": study, "preset": "quick"},
        "scales": {"quick": {"iterations": iterations, "target": target}, "paper": {"target": 1}},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "environment.json").write_text(
        json.dumps({"git_commit": "abc123", "packages": {"numpy": "2"}, "threads": 1})
    )
    loss, done = write_metrics(folder, arm, seed, status, iterations, level, every)
    finished = status == "completed"
    summary = {
        **{"run_id": folder.name, "status": status, "message": message, "keep": kept},
        **{"batch_size": batch, "budget_bytes": 1_900_000, "over_budget": arm == "exact"},
        **{"parameter_bytes": 1_700_000, "predicted_saved_bytes": saved_bytes},
        "measured_saved_bytes": saved_bytes,
        "measured_peak_bytes": {"total": 9_500_000, "parameters": 1_700_000},
        "final_train_loss": loss if finished else None,
        "final_test_loss": loss + 0.06 if finished else None,
        "final_test_accuracy": 1 / (1.05 + loss) if finished else None,
        **{"step_seconds": step_seconds, "train_seconds": done * step_seconds},
        "iterations_done": done,
    }
    write_summary(folder, summary)
    return folder


@pytest.fixture(scope="session")
def write_any() -> Callable[..., Path]:
    """Return ``write_run`` itself."""
    return write_run


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes one run folder below ``tmp_path / "outputs"``."""

    def make(arm: str = "rad", seed: int = 0, **changes: Any) -> Path:
        return write_run(tmp_path / "outputs", arm, seed, **changes)

    return make


@pytest.fixture
def study(tmp_path: Path, make_run: MakeRun) -> Path:
    """Return a folder with five arms of three seeds each."""
    for arm in ARMS:
        for seed in range(3):
            make_run(arm, seed)
    return tmp_path / "outputs"


def table_text(kind: str) -> str:
    """Return a small table of one measure, as CSV."""
    rows: list[dict[str, Any]] = []
    if kind == "memory":
        arms = [("exact", 1.0, False), ("small_batch", 1.0, True), ("rad", 0.1, True)]
        for cell, (arm, keep, lean) in enumerate(arms):
            sizes = {name: 1000 + cell for name in KINDS["memory"].columns if "bytes" in name}
            rows.append(
                {"cell": cell, "model": "mlp", "sizes": "300x300x300", "input": "1x28x28"}
                | {"estimator": arm, "keep": keep, "batch_size": 150, "whole_batch_size": 150}
                | {"lean": lean, "device": "cpu", "threads": 1, **sizes}
                | {"total_bytes": 1_811_111 + cell}
            )
    if kind == "noise":
        for arm, keep, level in (("rad", 0.1, 0.1), ("small_batch", "", 0.1), ("exact", "", "")):
            rows += [
                {"model": "mlp", "data": "digits", "arm": arm, "estimator": arm, "keep": keep}
                | {"batch_size": 20, "bytes": 1000, "level": level, "layer": layer}
                | {"repetition": repetition, "reference": 0.5, "sketch": 0.5, "batch": 0.5}
                | {"total": (2 if arm == "rad" else 1) + 0.01 * repetition, "along": 0.1}
                | {"pair": 0.1 if repetition else "", "iteration": 5}
                for repetition in range(4)
                for layer in ("a", "b")
            ]
    if kind == "frontier":
        sizes = {"exact_bytes": 1000, "floor_bytes": 50, "entries": 200, "parameter_bytes": 500}
        rows = [
            {"model": "mlp", "data": "digits", "estimator": name, "budget": 0.3, "keep": 0.1}
            | {"batch_size": 150, "micro_batch": "", "saved_bytes": 300, "repetition": repetition}
            | {
                "layer": layer,
                "sketch": sketch,
                "batch": 0.5,
                "total": 0.5 + sketch,
                "seconds": 0.02,
            }
            | {"stock_seconds": 0.01, "iteration": 5, **sizes}
            for name, layer, sketch in (
                *(("rad", "all", 5.0), ("rad", "1", 5.0)),
                *(("rounding", "all", 0.05), ("auto", "all", 0.05)),
            )
            for repetition in range(2)
        ]
    if kind == "depth":
        rows = [
            {"study": study, "arm": arm, "sketch": "edges", "width": 32, "kept": 8}
            | {"depth": depth, "seed": seed, "draws": 10, "variance": 3.0 * 2**depth + seed}
            for study, arm in (("graphs", "independent"), ("networks", "inputs"))
            for depth in (1, 2, 3)
            for seed in range(3)
        ]
    if kind == "bias":
        rows = [
            {"model": "mlp", "data": "digits", "estimator": "rad", "keep": 0.1, "factor": factor}
            | {"draws": 400, "entries": 90, "slope": factor, "z_slope": 1.5, "z_entry": ""}
            for factor in (1.0, 1.03)
        ]
    return pd.DataFrame(rows)[list(KINDS[kind].columns)].to_csv(index=False)


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the folder of one measured job."""

    def make(
        kind: str,
        name: str = "job",
        study: str = "measured",
        status: str | None = "completed",
        text: str | None = None,
    ) -> Path:
        folder = tmp_path / "outputs" / study / name
        folder.mkdir(parents=True)
        config = {"measure": {"name": kind}, "study": study, "preset": "quick"}
        (folder / "config.yaml").write_text(json.dumps(config))
        (folder / "environment.json").write_text(json.dumps({"git_commit": "def456"}))
        (folder / f"{kind}.csv").write_text(table_text(kind) if text is None else text)
        if status:
            message = "" if status == "completed" else "no room"
            write_summary(folder, {"status": status, "message": message})
        return folder

    return make


@pytest.fixture(scope="session")
def measured_text() -> Callable[[str], str]:
    """Return ``table_text`` itself."""
    return table_text
