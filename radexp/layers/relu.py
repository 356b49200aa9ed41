"""``nn.ReLU`` over one bit per entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from radexp.layers.base import LeanLayer
from radexp.layers.estimator import Estimator
from radexp.ops.relu import bit_relu, bit_relu_, bit_relu_saved_bytes


class BitReLU(LeanLayer, nn.ReLU):
    """``nn.ReLU`` that keeps one bit per entry; made by ``randomize``."""

    stock = nn.ReLU

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether nothing that follows keeps the output whole.

        A successor that does shares it with the stock ReLU, which then costs nothing.
        """
        return bool(followed_by) and all(
            _is_forgotten(successor, estimator) for successor in followed_by
        )

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        return bit_relu_(input) if self.inplace else bit_relu(input)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        return bit_relu_saved_bytes(input.shape) if input.requires_grad else 0


def _is_forgotten(successor: nn.Module | None, estimator: Estimator) -> bool:
    """Tell whether ``successor`` keeps less than its whole input, as far as that is known."""
    if successor is None:
        return not estimator.exact
    if isinstance(successor, nn.Dropout) and not successor.training:
        return not estimator.exact  # it passes its input on, to what is not known here
    lean = LeanLayer.registry.get(type(successor), [])
    return any(one.pays(successor, estimator, []) for one in lean)
