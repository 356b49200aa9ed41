"""Synthetic run folders: each arm's loss falls to a floor of its own, a little off by seed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

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
    (folder / "summary.json").write_text(json.dumps(summary))
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
