"""``nn.Linear`` over a sketch of its input."""

from __future__ import annotations

from torch import Tensor, nn

from radexp.layers.base import SketchedLayer
from radexp.ops.linear import sketched_linear, sketched_linear_saved_bytes
from radexp.ops.relu_linear import relu_linear


class SketchedLinear(SketchedLayer, nn.Linear):
    """``nn.Linear`` that keeps a sketch of its input; made by ``randomize``."""

    stock = nn.Linear

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer; without gradients it is the stock one and draws nothing."""
        if not self.records(input) or input.dim() == 0:  # PyTorch says best what is wrong
            return nn.Linear.forward(self, input)
        return sketched_linear(input, self.weight, self.bias, self.sketch, self.next_seed())

    def forward_after_relu(self, input: Tensor, in_place: bool) -> Tensor:
        """Apply ``max(input, 0)``, for inputs that require a gradient, and then the layer.

        Args:
            input: Shape (..., D).
            in_place: Write over ``input``, which nothing else may need.
        """
        seed = self.next_seed()
        return relu_linear(input, self.weight, self.bias, self.sketch, seed, in_place)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        if not (self.records(input) and self.weight.requires_grad):
            return 0
        return sketched_linear_saved_bytes(input.shape, input.dtype, self.sketch)
