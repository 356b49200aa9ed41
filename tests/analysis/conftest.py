"""Run tables made of numbers: the loss of each run is constant after iteration 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

Tables = tuple[pd.DataFrame, pd.DataFrame]


def build_tables(
    losses: dict[str, list[float]], status: dict[tuple[str, int], str] | None = None, **common: Any
) -> Tables:
    """Return runs and curves; ``losses`` has one final loss for each arm and seed."""
    runs, curves = [], []
    for arm, finals in losses.items():
        for seed, final in enumerate(finals):
            run = f"study/{arm}-{seed}"
            runs.append(
                {
                    **{"run": run, "study": "study", "preset": "quick", "model": "mlp"},
                    **{
                        "sizes": "300x300x300",
                        "data": "mnist",
                        "iterations": 20_000,
                        "budget": "10%",
                    },
                    **{
                        "keep": math.nan,
                        "bits": math.nan,
                        "micro_batch": math.nan,
                        "batch_size": 150.0,
                        "settings": "",
                        "lr": 1e-3,
                        "weight_decay": 0.0,
                    },
                    **{"parameter_bytes": 1e6, "measured_saved_bytes": 5e5},
                    **{"arm": arm, "seed": seed},
                    "status": (status or {}).get((arm, seed), "completed"),
                    **common,
                }
            )
            batch, speed = (20, 0.5) if arm == "small_batch" else (150, 1.0)
            for iteration in (0, 1000, 20_000):
                curves.append(
                    {
                        **{"run": run, "iteration": iteration, "split": "train"},
                        "examples_seen": iteration * batch,
                        "train_seconds": iteration * speed / 1000,
                        "loss": final if iteration else 2.3,
                        "accuracy": math.nan,
                    }
                )
    return pd.DataFrame(runs), pd.DataFrame(curves)


@pytest.fixture
def five_arms() -> dict[str, list[float]]:
    """Return losses by which every claim holds."""
    return {
        "exact": [0.010, 0.011, 0.012],
        "rad": [0.020, 0.021, 0.025],
        "rad_shared": [0.040, 0.041, 0.046],
        "rad_project": [0.050, 0.052, 0.055],
        "small_batch": [0.080, 0.086, 0.089],
    }


@pytest.fixture
def tables() -> Callable[..., Tables]:
    """Return the builder of run tables."""
    return build_tables
