"""Modules over the operations that keep less: drop-in classes for PyTorch's own modules."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from radexp.ops.linear import sketched_linear, sketched_linear_saved_bytes
from radexp.ops.relu import bit_relu, bit_relu_saved_bytes
from radexp.seeding import SeedStream
from radexp.sketches import Sketch


class LeanLayer(nn.Module):
    """A layer that keeps less than its stock module and knows in closed form how much.

    Attributes:
        stock: The PyTorch module that it stands in for: same parameters, same values.
    """

    stock: ClassVar[type[nn.Module]]

    @abstractmethod
    def saved_bytes(self, x: Tensor) -> int:
        """Return the bytes that ``forward(x)`` keeps when gradients are on."""


class SketchedLinear(LeanLayer, nn.Linear):
    """``nn.Linear`` that keeps a sketch of its input; made by ``randomize``.

    Attributes:
        sketch: What is kept of the input.
        seeds: Where each call's seed comes from.
    """

    stock = nn.Linear
    sketch: Sketch
    seeds: SeedStream

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer; without gradients it is the stock one and draws nothing."""
        if not self._records(x):
            return super().forward(x)
        return sketched_linear(x, self.weight, self.bias, self.sketch, self.seeds.next())

    def saved_bytes(self, x: Tensor) -> int:
        """Return the bytes that ``forward(x)`` keeps when gradients are on."""
        if not (self._records(x) and self.weight.requires_grad):
            return 0
        return sketched_linear_saved_bytes(x.shape, x.dtype, self.sketch)

    def _records(self, x: Tensor) -> bool:
        needed = x.requires_grad or self.weight.requires_grad
        return torch.is_grad_enabled() and (
            needed or (self.bias is not None and self.bias.requires_grad)
        )

    def extra_repr(self) -> str:
        """Describe the layer and its sketch."""
        return f"{super().extra_repr()}, sketch={self.sketch}"


class BitReLU(LeanLayer, nn.ReLU):
    """``nn.ReLU`` that keeps one bit per entry; made by ``randomize``."""

    stock = nn.ReLU

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer."""
        return bit_relu(input)

    def saved_bytes(self, x: Tensor) -> int:
        """Return the bytes that ``forward(x)`` keeps when gradients are on."""
        return bit_relu_saved_bytes(x.shape) if x.requires_grad else 0
