"""Pooling modules that keep shapes, and for maxima a few bits an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from radexp.layers.base import LeanLayer
from radexp.layers.estimator import Estimator
from radexp.ops.pooling import (
    lean_avg_pool1d,
    lean_avg_pool2d,
    lean_avg_pool_saved_bytes,
    lean_max_pool1d,
    lean_max_pool1d_saved_bytes,
    lean_max_pool2d,
    lean_max_pool2d_saved_bytes,
)


class LeanPool(LeanLayer):
    """What all pooling modules have in common."""

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether lean operations are used; returning indices is left to PyTorch."""
        return estimator.uses_lean_operations and not getattr(module, "return_indices", False)


class LeanAvgPool1d(LeanPool, nn.AvgPool1d):
    """``nn.AvgPool1d`` that keeps nothing; made by ``randomize``."""

    stock = nn.AvgPool1d

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        sizes = self.kernel_size, self.stride, self.padding
        return lean_avg_pool1d(input, *sizes, self.ceil_mode, self.count_include_pad)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on: none."""
        return lean_avg_pool_saved_bytes(input.shape)


class LeanAvgPool2d(LeanPool, nn.AvgPool2d):
    """``nn.AvgPool2d`` that keeps nothing; made by ``randomize``."""

    stock = nn.AvgPool2d

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        sizes = self.kernel_size, self.stride, self.padding
        counts = self.count_include_pad, self.divisor_override
        return lean_avg_pool2d(input, *sizes, self.ceil_mode, *counts)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on: none."""
        return lean_avg_pool_saved_bytes(input.shape)


class LeanMaxPool1d(LeanPool, nn.MaxPool1d):
    """``nn.MaxPool1d`` that keeps each maximum's place in its window; made by ``randomize``."""

    stock = nn.MaxPool1d

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        return lean_max_pool1d(input, *_max_settings(self))

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        if not input.requires_grad:
            return 0
        return lean_max_pool1d_saved_bytes(input.shape, *_max_settings(self))


class LeanMaxPool2d(LeanPool, nn.MaxPool2d):
    """``nn.MaxPool2d`` that keeps each maximum's place in its window; made by ``randomize``."""

    stock = nn.MaxPool2d

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        return lean_max_pool2d(input, *_max_settings(self))

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        if not input.requires_grad:
            return 0
        return lean_max_pool2d_saved_bytes(input.shape, *_max_settings(self))


def _max_settings(layer: LeanMaxPool1d | LeanMaxPool2d) -> tuple[Any, ...]:
    return layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode
