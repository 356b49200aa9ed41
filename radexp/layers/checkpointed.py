"""The recurrent layer that keeps few states, and runs the steps between them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from radexp.eager import EagerRNN
from radexp.layers.base import LeanLayer
from radexp.layers.estimator import Checkpointed, Estimator
from radexp.ops.checkpointed_rnn import checkpointed_rnn, checkpointed_rnn_saved_bytes


class CheckpointedEagerRNN(LeanLayer, EagerRNN):
    """``EagerRNN`` with checkpoints between stretches of its steps; made by ``randomize``.

    Of fewer than four steps after a given state it keeps one state more than PyTorch's own.

    Attributes:
        checkpoints: Of the estimator; None for as many as keep the fewest states.
    """

    stock = EagerRNN
    checkpoints: int | None

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether the estimator asks for checkpoints."""
        return isinstance(estimator, Checkpointed) and estimator.checkpoints != 0

    def prepare(self, estimator: Estimator, seed: int, name: str) -> None:
        """Take the number of checkpoints."""
        assert isinstance(estimator, Checkpointed)
        self.checkpoints = estimator.checkpoints

    def restore_stock(self) -> None:
        """Become the stock module again."""
        del self.checkpoints
        super().restore_stock()

    def forward(  # type: ignore[override]
        self, x_NTI: Tensor, h0_NH: Tensor | None = None
    ) -> Tensor:
        """Return the state after the last step; without gradients this is the stock loop."""
        if not self.records(x_NTI, h0_NH):
            return EagerRNN.forward(self, x_NTI, h0_NH)
        self._require_shapes(x_NTI, h0_NH)
        return checkpointed_rnn(
            x_NTI.transpose(0, 1),
            h0_NH,
            self.weight_ih_l0,
            self.weight_hh_l0,
            self.bias_ih_l0 if self.bias else None,
            self.bias_hh_l0 if self.bias else None,
            self.nonlinearity,
            self.checkpoints,
        )

    def dry_forward(  # type: ignore[override]
        self, x_NTI: Tensor, h0_NH: Tensor | None = None
    ) -> Tensor:
        """Take one step: the last state has the shape of the first."""
        return EagerRNN.forward(self, x_NTI[:, :1], h0_NH)

    def saved_bytes(self, x_NTI: Tensor, h0_NH: Tensor | None = None) -> int:
        """Return the bytes that ``forward`` keeps when gradients are on."""
        if not self.records(x_NTI, h0_NH):
            return 0
        rows, steps, inputs = x_NTI.shape
        itemsize, with_start = self.weight_hh_l0.itemsize, h0_NH is not None
        shape = (steps, rows, inputs)
        return checkpointed_rnn_saved_bytes(
            shape, self.hidden_size, itemsize, self.checkpoints, with_start
        )

    def extra_repr(self) -> str:
        """Describe the layer and its checkpoints."""
        return f"{super().extra_repr()}, checkpoints={self.checkpoints}"
