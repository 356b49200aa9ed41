"""Time and memory of a recurrent training step against the length of the sequence and the batch.

Hidden size 100, one input feature, keep 0.1, float32. Every point is the median of several steps;
arms take turns. Both should grow in proportion: the slope of the logarithms is printed and drawn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F

from radexp.config import ModelConfig
from radexp.experiments.environment import describe_environment
from radexp.layers import randomize
from radexp.memory import SavedBytesMeter
from radexp.models import build_model

ARMS = {"exact": "#000000", "rad_shared": "#D55E00", "rad": "#0072B2"}
LENGTHS = [100, 200, 500, 1000, 2000, 5000, 10_000]
BATCHES = [10, 20, 50, 100, 200, 500, 1000]
FIXED_BATCH, FIXED_LENGTH, HIDDEN = 50, 500, 100


def measure(arm: str, length: int, batch: int, repeats: int) -> dict[str, float | int | str]:
    """Return the seconds and the saved bytes of one step."""
    torch.manual_seed(0)
    model = build_model(ModelConfig("rnn", [HIDDEN]), (length, 1), 10)
    randomize(model, arm, **({} if arm == "exact" else {"keep": 0.1}))
    x, y = torch.rand(batch, length, 1), torch.randint(10, (batch,))

    def step() -> None:
        model.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y).backward()

    with SavedBytesMeter(model.parameters()) as meter:
        step()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return {
        "arm": arm,
        "length": length,
        "batch": batch,
        "seconds": statistics.median(seconds),
        "saved_bytes": meter.peak_bytes,
    }


def main() -> None:
    """Write scaling.csv, scaling.png and environment.json, and print the slopes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    points = [("length", length, FIXED_BATCH) for length in LENGTHS]
    points += [("batch", FIXED_LENGTH, batch) for batch in BATCHES]
    rows = pd.DataFrame(
        {"along": along, **measure(arm, length, batch, arguments.repeats)}
        for along, length, batch in points
        for arm in ARMS
    )
    rows.to_csv(arguments.output / "scaling.csv", index=False)
    environment = describe_environment(torch.device("cpu"))
    (arguments.output / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    draw(rows, arguments.output / "scaling.png")


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Draw seconds and bytes against length and batch, each with its slope."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    fixed = {"length": f"batch {FIXED_BATCH}", "batch": f"{FIXED_LENGTH} steps"}
    for column, along in enumerate(("length", "batch")):
        for row, (quantity, scale, unit) in enumerate(
            (("seconds", 1e3, "step, ms"), ("saved_bytes", 1e-6, "held for backward, MB"))
        ):
            panel = axes[row][column]
            for arm, color in ARMS.items():
                part = rows[(rows["along"] == along) & (rows["arm"] == arm)]
                x, y = part[along].to_numpy(), part[quantity].to_numpy() * scale
                slope = np.polyfit(np.log(x[2:]), np.log(y[2:]), 1)[0]
                label = f"{arm}, slope {slope:.2f}"
                print(f"{quantity} against {along}, {fixed[along]}: {label}")
                panel.loglog(x, y, "o-", color=color, label=label)
            panel.set(xlabel=f"{along} ({fixed[along]})", ylabel=unit)
            panel.legend(fontsize=8)
            panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Recurrent step, hidden 100, keep 0.1 (slopes: of the five largest points)")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
