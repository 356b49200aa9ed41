"""The control of the reactor, as plans and runs see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn

from radexp.config import EstimatorConfig, TrainConfig
from radexp.data import Dataset
from radexp.errors import require
from radexp.models.sizes import require_only
from radexp.reactor import (
    AsPublished,
    Checkpoints,
    Grid,
    Problem,
    Reactor,
    Sketched,
    Storage,
    initial_control,
    least_checkpoints,
)
from radexp.seeding import derive_seed
from radexp.sketches import Exact, Sampling, Sketch
from radexp.training import Control, Task

PHYSICS = ("points", "steps", "final_time", "diffusion", "initial")


class ControlWorkload:
    """A control problem.

    Args:
        config: The request.
        dataset: None: there are no data.
    """

    data_sha256: str | None = None

    def __init__(self, config: TrainConfig, dataset: Dataset | None) -> None:
        require_only(config.model, *PHYSICS)
        self.config, model = config, config.model
        require(
            not config.training.holdout,
            f"training.holdout={config.training.holdout} with model={model.name}",
            "nothing to hold out, as there are no examples",
            "leave out training.holdout",
        )
        self.grid = Grid(model.points, model.steps, model.final_time, model.diffusion)
        exact = replace(config.estimator, sketch="exact", free=None, keep=None, checkpoints=None)
        reactor = self._reactor(exact)
        self.parameter_bytes = sum(p.numel() * p.itemsize for p in reactor.parameters())

    def device(self) -> torch.device:
        """Return the CPU, which is where the compiled loops run."""
        given = f"device={self.config.device} with model={self.config.model.name}"
        require(self.config.device != "cuda", given, "cpu or auto", "try device=cpu")
        return torch.device("cpu")

    def batch_size(self, estimator: EstimatorConfig) -> int:
        """Return 1: a step computes one trajectory."""
        return 1

    def by_layer(self, estimator: EstimatorConfig) -> dict[str, int]:
        """Predict what autograd will hold: the stored trajectory."""
        return {"trajectory": self._storage(estimator).saved_bytes(self.grid, torch.float32)}

    def candidates(self, free: str) -> Sequence[int]:
        """Return the one number of checkpoints that a budget may choose: with the fewest states.

        More of them take more memory and save no time: every stretch is run again all the same.
        """
        return [self.default(free)]

    def default(self, free: str) -> int:
        """Return the number of checkpoints that keeps the fewest states."""
        return least_checkpoints(self.grid.steps)

    def allocate(self, estimator: EstimatorConfig, room: int) -> EstimatorConfig:
        """Return the settings as they are: there are no layers."""
        return estimator

    def build(self, estimator: EstimatorConfig, device: torch.device) -> tuple[nn.Module, Task]:
        """Return the reactor and its task.

        The starting parameters and the draws come from the run's seed, each in a stream of its
        own, so that runs which differ in their estimator alone start from the same control.
        """
        return self._reactor(estimator).to(device), Control()

    def _reactor(self, estimator: EstimatorConfig) -> Reactor:
        seed, initial = self.config.seed, self.config.model.initial
        if initial is None:
            initial = initial_control(derive_seed(seed, "control"))
        draws = derive_seed(seed, "sketches")
        return Reactor(Problem(self.grid), self._storage(estimator), initial, draws)

    def _storage(self, estimator: EstimatorConfig) -> Storage:
        """Return how an estimator stores the trajectory: whole, where nothing else takes less."""
        whole = Sketched(Exact(), draws=1, chunk_steps=self.grid.steps)
        if (estimator.sketch == "exact" and estimator.free is None) or estimator.keep == 1:
            return whole
        less = STORAGES.get(estimator.name, _sketched)(estimator, self.config)
        return min(whole, less, key=lambda storage: storage.saved_bytes(self.grid, torch.float32))


def _sketched(estimator: EstimatorConfig, config: TrainConfig) -> Storage:
    """Equation 7, with the estimator's sketch; shared is one draw for both factors."""
    sketch = Sketch.named_in(estimator)
    return Sketched(sketch, draws=1 if estimator.shared else 2)


def _as_published(estimator: EstimatorConfig, config: TrainConfig) -> Storage:
    """The published code's way, with a draw of the run's own."""
    return AsPublished(Sampling.from_config(estimator), derive_seed(config.seed, "frozen draw"))


def _checkpoints(estimator: EstimatorConfig, config: TrainConfig) -> Storage:
    """Checkpoints, as many as were asked or solved for."""
    given, steps = estimator.checkpoints, config.model.steps
    return Checkpoints(least_checkpoints(steps) if given is None else given)


STORAGES: dict[str, Callable[[EstimatorConfig, TrainConfig], Storage]] = {
    "rad_as_published": _as_published,
    "checkpoint": _checkpoints,
}
