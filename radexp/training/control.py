"""The task of a model that is its own loss, such as a control problem: nothing to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from radexp.training.task import Batch, Score


class Control:
    """Lower the loss that the model itself returns.

    There are no data, so a batch is empty, one step counts as one example, and the exact loss
    takes the place of a training set.

    Example:
        >>> Control().num_examples(Control().next_batch())
        1
    """

    splits: Mapping[str, str] = {"train": "control"}
    step_name = "control"

    def next_batch(self) -> Batch:
        """Return no tensors."""
        return ()

    def whole(self) -> Iterator[tuple[float, Batch]]:
        """Yield the one batch that there is."""
        yield 1.0, ()

    def num_examples(self, batch: Batch) -> int:
        """Return 1: the loss was computed once."""
        return 1

    def parts(self, batch: Batch) -> Iterator[tuple[float, Batch]]:
        """Yield the batch as it is."""
        yield 1.0, batch

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the model's loss, as loss and as outputs."""
        loss = model()
        return loss, loss

    def score(self, loss: Tensor, outputs: Sequence[Tensor], batch: Batch) -> Score:
        """Return the loss; there are no answers to be right."""
        return Score(float(loss))

    @torch.no_grad()
    def evaluate(self, model: nn.Module, split: str) -> Score:
        """Return the exact loss."""
        return Score(float(model()))

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: no batch decides anything."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Do nothing."""

    def __repr__(self) -> str:
        return "Control()"
