"""Measure the memory of a real training step."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from radexp.memory import SavedBytesMeter, StepPeak
from radexp.training.loop import Trainer


@dataclass(frozen=True)
class StepMemory:
    """What one step needs.

    Attributes:
        saved_bytes: Held for the backward pass at its peak, parameters apart.
        peak_bytes: The whole step's peak by category, and ``total``.
    """

    saved_bytes: int
    peak_bytes: dict[str, int]


def measure_step(trainer: Trainer) -> StepMemory:
    """Take two training steps, the second under the meters, then put everything back.

    The steps are the very ones that the trainer takes next: forward, backward and update. The
    first lets the optimizer make its state, which all steps but the first one carry. The state of
    model, optimizer and generators is restored afterwards, so that measuring changes no number.

    Args:
        trainer: A trainer that is ready to step.
    """
    before = copy.deepcopy(trainer.state_dict())
    trainer.step(trainer.task.next_batch(), with_norm=False)
    batch = trainer.task.next_batch()
    meter = SavedBytesMeter(trainer.model.parameters())
    with StepPeak(trainer.model, trainer.optimizer, batch, meter) as peak, meter:
        trainer.step(batch, with_norm=False)
    trainer.optimizer.zero_grad(set_to_none=True)
    trainer.load_state_dict(before)
    return StepMemory(meter.peak_bytes, peak.peak_bytes)
