"""``nn.Dropout`` over one bit per entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from radexp.layers.base import LeanLayer
from radexp.layers.estimator import Estimator
from radexp.ops.dropout import bit_dropout, bit_dropout_saved_bytes


class BitDropout(LeanLayer, nn.Dropout):
    """``nn.Dropout`` that keeps one bit per entry; made by ``randomize``."""

    stock = nn.Dropout

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether lean operations are used, not in place, and there is a mask to keep."""
        return estimator.uses_lean_operations and bool(module.p > 0) and not module.inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        return bit_dropout(input, self.p, self.training)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        if not input.requires_grad:
            return 0
        return bit_dropout_saved_bytes(input.shape, input.dtype, self.p, self.training)
