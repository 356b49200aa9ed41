"""A recurrent cell: its nonlinearity, and what is kept of its two operands."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from radexp.seeding import derive_seed
from radexp.sketches import Exact, Sketch
from radexp.sketches.base import Kept, Shape

_threshold_backward_ = torch.ops.aten.threshold_backward.grad_input
_tanh_backward_ = torch.ops.aten.tanh_backward.grad_input


@dataclass(frozen=True)
class Cell:
    """What a recurrent layer does, tensors apart.

    Attributes:
        nonlinearity: ``relu`` or ``tanh``.
        with_outputs: Return the hidden state of every step, not the last one alone.
        sketch: What to keep of inputs and hidden states.
        seed: Seed of all the sketches' draws.
    """

    nonlinearity: str
    with_outputs: bool
    sketch: Sketch
    seed: int

    @property
    def keeps_states(self) -> bool:
        """Whether all hidden states are kept: the derivative of tanh, 1 - h^2, needs them."""
        return self.nonlinearity == "tanh" or isinstance(self.sketch, Exact)

    def activate_(self, a: Tensor) -> Tensor:
        """Apply the nonlinearity in place."""
        return a.tanh_() if self.nonlinearity == "tanh" else a.relu_()

    def differentiate(self, g: Tensor, y: Tensor, out: Tensor) -> None:
        """Write ``g`` times the derivative at output ``y``, for ReLU 1 or 0 if alive or not."""
        if self.nonlinearity == "tanh":
            _tanh_backward_(g, y, grad_input=out)
        else:
            _threshold_backward_(g, y, 0, grad_input=out)

    def sketch_of(self, operand: str, shape: Shape, alive: Tensor | None = None) -> Sketch:
        """Return the sketch of an operand of a chunk of steps, ``hidden`` or ``input``.

        Operands are kept whole that are whole anyway, and those of which nothing less would be.
        """
        kept, whole = (s.saved_bytes(shape, torch.float32) for s in (self.sketch, Exact()))
        if (operand == "hidden" and self.keeps_states) or kept >= whole:
            return Exact()
        return self.sketch if alive is None else self.sketch.among(alive)

    def compress(
        self, operand: str, start: int, x_GND: Tensor, alive: Tensor | None = None
    ) -> Kept:
        """Return what is kept of an operand of a chunk of steps, in memory of its own.

        Args:
            operand: ``hidden`` or ``input``.
            start: First step of the chunk.
            x_GND: The operand at each step of the chunk.
            alive: Which of its entries are not zero, one bit each, where that is kept anyway.
        """
        G, N, D = x_GND.shape
        sketch = self.sketch_of(operand, (G, N, D), alive)
        kept = sketch.compress(x_GND, derive_seed(self.seed, operand, start))
        return tuple(tensor.clone() if tensor is x_GND else tensor for tensor in kept)

    def contract(
        self,
        operand: str,
        start: int,
        a_GNH: Tensor,
        kept: Kept,
        shape: Shape,
        alive: Tensor | None = None,
    ) -> Tensor:
        """Return a chunk's part of a weight's gradient, ``sum_G a^T operand``.

        Args:
            operand: ``hidden`` or ``input``.
            start: First step of the chunk.
            a_GNH: Gradients before the nonlinearity.
            kept: What ``compress`` returned.
            shape: Of the operand, (G, N, D).
            alive: As ``compress`` was given it.
        """
        sketch = self.sketch_of(operand, shape, alive)
        return sketch.contract(a_GNH, kept, shape, derive_seed(self.seed, operand, start))
