"""Cosine and variance of the reactor's gradient estimates against the bytes that they keep.

At the start of a run, and of the published size. Each estimate is compared with the exact gradient:
its cosine, its relative bias |E G - g|^2 / |g|^2 less the part that the noise of the mean explains,
and its relative variance E |G - E G|^2 / |g|^2. The published estimator is frozen within a run, so
that its draws here are those of different runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from radexp.experiments.environment import describe_environment
from radexp.reactor import (
    AsPublished,
    Checkpoints,
    Grid,
    Problem,
    Sketched,
    Storage,
    control_loss,
    initial_control,
    least_checkpoints,
)
from radexp.reporting.arms import ARM_STYLES, OTHER_STYLES
from radexp.sketches import Exact, Projection, Sampling

KEEPS = (0.1, 0.03, 0.01, 0.005, 0.002, 0.001)
PROJECTED = (0.01, 0.002)  # signs for every step and point take seconds
GRID = Grid()
ROUNDING = 1e-6


def storages(draw: int) -> Iterator[tuple[str, float, Storage]]:
    """Yield every estimator at every fraction; ``draw`` names a frozen one's draw."""
    yield "exact", 1.0, Sketched(Exact(), draws=1, chunk_steps=GRID.steps)
    yield "checkpoint", 1.0, Checkpoints(least_checkpoints(GRID.steps))
    for keep in KEEPS:
        yield "rad", keep, Sketched(Sampling(keep))
        yield "rad_shared", keep, Sketched(Sampling(keep), draws=1)
        yield "rad_as_published", keep, AsPublished(Sampling(keep), seed=draw)
    for keep in PROJECTED:
        yield "rad_project", keep, Sketched(Projection(keep), draws=1)


def draw_all(repetitions: int) -> pd.DataFrame:
    """Draw every estimate and summarize it, one row for each estimator and fraction."""
    problem = Problem(GRID)
    theta = torch.tensor(initial_control(0), requires_grad=True)
    drawn: dict[tuple[str, float], list[torch.Tensor]] = {}
    kept: dict[tuple[str, float], int] = {}
    for draw in range(repetitions):
        for name, keep, storage in storages(draw):
            loss = control_loss(theta, problem, storage, draw)
            (gradient,) = torch.autograd.grad(loss, theta)
            drawn.setdefault((name, keep), []).append(gradient.double())
            kept[name, keep] = storage.saved_bytes(GRID, torch.float32)
    truth = drawn["exact", 1.0][0]
    rows = [
        {"estimator": name, "keep": keep, "saved_bytes": kept[name, keep], **summary}
        for (name, keep), gradients in drawn.items()
        for summary in [summarize(torch.stack(gradients), truth)]
    ]
    return pd.DataFrame(rows).sort_values(["estimator", "saved_bytes"], ignore_index=True)


def summarize(gradients_R7: torch.Tensor, truth_7: torch.Tensor) -> dict[str, float]:
    """Return cosines, relative bias and relative variance of R estimates."""
    norm, count = truth_7.square().sum(), len(gradients_R7)
    cosines = torch.cosine_similarity(gradients_R7, truth_7[None])
    variance = gradients_R7.var(0).sum() / norm
    bias = (gradients_R7.mean(0) - truth_7).square().sum() / norm - variance / count
    low, high = np.quantile(cosines.numpy(), [0.05, 0.95])
    return {
        "draws": count,
        "cosine_mean": float(cosines.mean()),
        "cosine_low": float(low),
        "cosine_high": float(high),
        "relative_bias": float(bias.clamp(min=0).sqrt()),
        "relative_deviation": float(variance.sqrt()),
    }


def draw_figure(table: pd.DataFrame, path: Path) -> None:
    """Draw cosine, bias and deviation against megabytes."""
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    spare = iter(OTHER_STYLES)
    panels = figure.subplots(1, 3)
    for name, rows in table.groupby("estimator"):
        colour, line = ARM_STYLES.get(str(name)) or next(spare)
        x = rows["saved_bytes"] / 1e6
        style = {"color": colour, "linestyle": line, "marker": "o", "markersize": 4}
        panels[0].plot(x, rows["cosine_mean"], label=name, **style)
        panels[0].fill_between(
            x, rows["cosine_low"], rows["cosine_high"], color=colour, alpha=0.15, linewidth=0
        )
        panels[1].plot(x, rows["relative_bias"].clip(lower=ROUNDING), **style)
        panels[2].plot(x, rows["relative_deviation"].clip(lower=ROUNDING), **style)
    titles = ("cosine to the exact gradient", "relative bias", "relative standard deviation")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_xscale("log")
        axes.set_xlabel("kept for the backward pass, MB")
        axes.set_ylabel(title)
        axes.grid(True, color="#DDDDDD", linewidth=0.6)
    for axes in panels[1:]:
        axes.set_yscale("log")
    figure.legend(loc="outside upper center", ncols=6, frameon=False)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Write gradients.csv, gradients.png and gradients_environment.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="such as results/reactor")
    parser.add_argument("--repetitions", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    table = draw_all(arguments.repetitions)
    table.to_csv(arguments.folder / "gradients.csv", index=False, lineterminator="\n")
    draw_figure(table, arguments.folder / "gradients.png")
    environment = json.dumps(describe_environment(torch.device("cpu")), indent=2)
    (arguments.folder / "gradients_environment.json").write_text(f"{environment}\n")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
