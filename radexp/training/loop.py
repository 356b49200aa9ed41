"""The training loop: steps, rows and checkpoints, on a clock that runs for steps alone."""

from __future__ import annotations

import math
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from radexp.config import TrainingConfig
from radexp.layers import seed_streams
from radexp.memory import SavedBytesMeter
from radexp.training.metrics import Row
from radexp.training.task import Batch, Score, Task


class Diverged(Exception):  # noqa: N818 - it is a status of a run, not a defect
    """A loss is not a finite number. A finite one, however large, has been seen to come back."""


class Interrupted(Exception):  # noqa: N818 - likewise
    """Someone asked the run to stop; its last checkpoint is written."""


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        iteration: Optimizer steps taken.
        examples_seen: Examples drawn.
        train_seconds: Seconds spent on them.
        step_seconds: Mean seconds per step of each stretch between two rows.
        saved_bytes: The most that autograd held for the backward pass, parameters apart, of the
            steps that wrote a row: those are measured.
    """

    iteration: int = 0
    examples_seen: int = 0
    train_seconds: float = 0.0
    step_seconds: list[float] = field(default_factory=list)
    saved_bytes: int = 0

    @property
    def median_step_seconds(self) -> float:
        """The median stretch's seconds per step."""
        return statistics.median(self.step_seconds) if self.step_seconds else math.nan


class Observer(Protocol):
    """Who listens to a trainer: writes rows and checkpoints, shows progress, asks to stop."""

    def on_row(self, row: Row) -> None:
        """Take a row of metrics.csv."""

    def on_checkpoint(self, state: dict[str, Any]) -> None:
        """Take the state at a point from which the run can resume."""

    def should_stop(self) -> bool:
        """Tell whether the run should stop after this step."""


@dataclass
class Trainer:
    """A model, its optimizer and its task, and how far they have come.

    Attributes:
        model: The model, on its device.
        optimizer: Its optimizer.
        scheduler: Its step-size schedule, advanced once per iteration.
        task: What it is trained on and for.
        config: When to stop and what to write down when.
        clip_norm: Largest gradient norm, or None.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: LRScheduler
    task: Task
    config: TrainingConfig
    clip_norm: float | None = None
    progress: Progress = field(default_factory=Progress)

    def step(self, batch: Batch, with_norm: bool) -> tuple[Tensor, list[Tensor], float | None]:
        """Take one optimizer step.

        Returns:
            The loss and the outputs of its parts before the update, and the gradient's norm if it
            was asked for.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss, outputs = self._differentiate(batch)
        norm = None
        if with_norm or self.clip_norm is not None:
            limit = math.inf if self.clip_norm is None else self.clip_norm
            norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
        self.optimizer.step()
        self.scheduler.step()
        return loss, outputs, norm

    def _differentiate(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """Add up the gradients of the batch's parts; autograd holds one part at a time.

        Returns:
            The batch's loss, and the outputs of its parts.
        """
        losses, outputs = [], []
        for share, part in self.task.parts(batch):
            loss, output = self.task.loss(self.model, part)
            loss.backward(torch.full_like(loss, share))
            losses.append(share * loss.detach())
            outputs.append(output.detach())
        return torch.stack(losses).sum(), outputs

    def train(self, observer: Observer) -> None:
        """Train until ``config.iterations``, starting from wherever ``progress`` is.

        Raises:
            Diverged: If a loss is not finite.
            Interrupted: If the observer asked to stop; the state was handed to it before.
        """
        if self.progress.iteration == 0:
            self._evaluate_due(observer, first=True)
        while self.progress.iteration < self.config.iterations:
            self._stretch(observer)
            self._evaluate_due(observer)
            stop = observer.should_stop()
            done = self.progress.iteration == self.config.iterations
            if stop or done or self._due(self.config.checkpoint_every):
                observer.on_checkpoint(self.state_dict())
            if stop and not done:
                raise Interrupted(f"stopped at iteration {self.progress.iteration}")

    def _stretch(self, observer: Observer) -> None:
        """Run on the clock until something is due, then write the last step's row.

        That step is measured. Hooks on what autograd saves take time, so no other step is.
        """
        meter = SavedBytesMeter(self.model.parameters())
        progress, start_iteration = self.progress, self.progress.iteration
        self._synchronize()
        start = time.perf_counter()
        while True:
            learning_rate = self._learning_rate()
            row_due = self._row_due(progress.iteration + 1)
            batch = self.task.next_batch()
            with meter if row_due else nullcontext():
                loss, outputs, norm = self.step(batch, with_norm=row_due)
            progress.iteration += 1
            progress.examples_seen += self.task.num_examples(batch)
            if row_due or observer.should_stop():
                break
        self._synchronize()
        elapsed = time.perf_counter() - start
        progress.train_seconds += elapsed
        progress.step_seconds.append(elapsed / (progress.iteration - start_iteration))
        progress.saved_bytes = max(progress.saved_bytes, meter.peak_bytes)
        self._require_finite(self.task.step_name, float(loss))
        if row_due:
            score = self.task.score(loss, outputs, batch)
            observer.on_row(self._row("batch", score, learning_rate, norm))

    def _learning_rate(self) -> float:
        """Return the step size of the next update."""
        return float(self.scheduler.get_last_lr()[0])

    def _due(self, every: int) -> bool:
        return self.progress.iteration % every == 0

    def _row_due(self, iteration: int) -> bool:
        config = self.config
        return iteration == config.iterations or any(
            iteration % every == 0
            for every in (
                config.log_every,
                config.evaluate_every,
                config.evaluate_train_every,
                config.checkpoint_every,
            )
        )

    def _evaluate_due(self, observer: Observer, first: bool = False) -> None:
        always = first or self.progress.iteration == self.config.iterations
        learning_rate = self._learning_rate()
        for split, name in self.task.splits.items():
            of_train = split == "train"
            every = self.config.evaluate_train_every if of_train else self.config.evaluate_every
            if always or self._due(every):
                score = self.task.evaluate(self.model, split)
                observer.on_row(self._row(split, score, learning_rate))
                self._require_finite(name, score.loss)

    def _row(
        self, split: str, score: Score, learning_rate: float, norm: float | None = None
    ) -> Row:
        progress = self.progress
        return Row(
            iteration=progress.iteration,
            examples_seen=progress.examples_seen,
            train_seconds=progress.train_seconds,
            split=split,
            loss=score.loss,
            accuracy=score.accuracy,
            learning_rate=learning_rate,
            gradient_norm=norm,
        )

    def _require_finite(self, of_what: str, loss: float) -> None:
        if not math.isfinite(loss):
            at = self.progress.iteration
            raise Diverged(f"the loss of the {of_what} is {loss} at iteration {at}")

    def _synchronize(self) -> None:
        if next(self.model.parameters()).is_cuda:
            torch.cuda.synchronize()

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides what comes next, as tensors, numbers and texts."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "stream": self.task.state_dict(),
            "sketch_calls": {name: s.calls for name, s in seed_streams(self.model).items()},
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "progress": vars(self.progress).copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where ``state_dict`` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.task.load_state_dict(state["stream"])
        for name, stream in seed_streams(self.model).items():
            stream.calls = state["sketch_calls"][name]
        torch.set_rng_state(state["torch_rng"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda_rng"])
        self.progress = Progress(**state["progress"])
