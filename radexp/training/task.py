"""What a trainer needs to know of what is learned: the rule that every task follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

Batch = Sequence[Tensor]


@dataclass(frozen=True)
class Score:
    """A loss, and the fraction of right answers where there are any to give."""

    loss: float
    accuracy: float | None = None


class Task(Protocol):
    """Where a step's loss comes from, and how a model is evaluated.

    The model and the optimizer are the trainer's; a task holds what they are trained on.
    """

    @property
    def splits(self) -> Mapping[str, str]:
        """What is evaluated: ``train``, and ``test`` or ``validation`` if any, each in words."""

    @property
    def step_name(self) -> str:
        """What a step's loss is the loss of, in words."""

    def next_batch(self) -> Batch:
        """Return the tensors of the next step."""

    def whole(self) -> Iterator[tuple[float, Batch]]:
        """Yield all that can be drawn, in parts: each part's share of the mean loss, its batch."""

    def num_examples(self, batch: Batch) -> int:
        """Return how many examples a batch counts for."""

    def parts(self, batch: Batch) -> Iterator[tuple[float, Batch]]:
        """Yield what of a batch is differentiated at a time: its share of the loss, its tensors."""

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss to be differentiated, and the outputs that ``score`` needs."""

    def score(self, loss: Tensor, outputs: Sequence[Tensor], batch: Batch) -> Score:
        """Return the score of a step that was taken, from the outputs of the batch's parts."""

    def evaluate(self, model: nn.Module, split: str) -> Score:
        """Return the exact score of the model on one of ``splits``."""

    def state_dict(self) -> dict[str, Any]:
        """Return what decides the batches to come, for a checkpoint."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
