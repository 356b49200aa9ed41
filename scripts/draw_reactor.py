"""Draw the reactor's field against its target under the control that a run ended with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from radexp.errors import require
from radexp.experiments.noise_points import run_weights
from radexp.reactor import Grid, Problem
from radexp.reactor.dynamics import Dynamics

FRAMES_PER_SECOND = 20


def fields(run: Path, count: int) -> tuple[Any, Any, Any]:
    """Return ``count`` times, and the field and its target then, each (count, points, points)."""
    for name in ("config.yaml", "checkpoint.pt"):
        require((run / name).is_file(), f"{run}: no {name}", "a run's folder", "train it first")
    config, _, weights = run_weights(run)
    model = config.model
    grid = Grid(model.points, model.steps, model.final_time, model.diffusion)
    problem = Problem(grid)
    dynamics = Dynamics(problem, weights["theta"])
    states = dynamics.new_states(grid.steps)
    dynamics.advance(dynamics.start_D, 0, states)
    steps = np.linspace(0, grid.steps - 1, count).astype(int)
    shape = (count, grid.width, grid.width)
    field = np.pad(states[steps].numpy().reshape(shape), ((0, 0), (1, 1), (1, 1)))
    target = np.stack([problem.target.at(step) for step in steps]).reshape(shape)
    return grid.times[steps], field, np.pad(target, ((0, 0), (1, 1), (1, 1)))


def draw(times: Any, field: Any, target: Any) -> Figure:
    """Draw field, target and difference, a column for each time."""
    figure = Figure(figsize=(2.4 * len(times), 6.6), layout="constrained")
    panels = figure.subplots(3, len(times), squeeze=False)
    most, off = float(target.max()), float(np.abs(field - target).max())
    looks = [{"vmin": 0, "vmax": most, "cmap": "viridis"}] * 2
    looks += [{"vmin": -off, "vmax": off, "cmap": "RdBu"}]
    for column, time in enumerate(times):
        rows = (field[column], target[column], field[column] - target[column])
        for axes, values, look in zip(panels[:, column], rows, looks, strict=True):
            image = axes.imshow(values, extent=(0, 1, 0, 1), origin="lower", **look)
            axes.set_xticks([])
            axes.set_yticks([])
            if column == len(times) - 1:
                figure.colorbar(image, ax=axes)
        panels[0, column].set_title(f"t = {time:.2f}")
    for axes, name in zip(panels[:, 0], ("field", "target", "difference"), strict=True):
        axes.set_ylabel(name)
    return figure


def animate(times: Any, field: Any, target: Any, path: Path) -> None:
    """Write field and target, side by side, as a GIF."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    panels = figure.subplots(1, 2)
    style = {"vmin": 0, "vmax": float(target.max()), "origin": "lower", "extent": (0, 1, 0, 1)}
    images = [
        axes.imshow(values[0], **style)
        for axes, values in zip(panels, (field, target), strict=True)
    ]

    def show(frame: int) -> Any:
        for image, values in zip(images, (field, target), strict=True):
            image.set_data(values[frame])
        panels[0].set_title(f"field, t = {times[frame]:.2f}")
        return images

    panels[1].set_title("target")
    animation = FuncAnimation(figure, show, frames=len(times))
    animation.save(path, writer=PillowWriter(FRAMES_PER_SECOND))


def main() -> None:
    """Write field.png, and field.gif if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder with checkpoint.pt")
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--animation", action="store_true", help="also write field.gif")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    draw(*fields(arguments.run, arguments.times)).savefig(arguments.folder / "field.png", dpi=110)
    if arguments.animation:
        animate(*fields(arguments.run, 101), arguments.folder / "field.gif")


if __name__ == "__main__":
    main()
