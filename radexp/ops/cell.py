"""A recurrent cell: its nonlinearity, and what is kept of its two operands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from radexp.packing.bits import pack_bits, packed_bytes, unpack_bits
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
        keeps_states: Keep all hidden states, for the derivative of tanh, 1 - h^2, too.
    """

    nonlinearity: str
    with_outputs: bool
    sketch: Sketch
    seed: int
    keeps_states: bool

    def activate_(self, a: Tensor) -> Tensor:
        """Apply the nonlinearity in place."""
        return a.tanh_() if self.nonlinearity == "tanh" else a.relu_()

    def keep_derivative(self, start: int, block: Tensor) -> Kept:
        """Return what is kept of a chunk for its derivatives: its states, a sketch, or bits.

        Args:
            start: First step of the chunk.
            block: The state before the chunk and those of its steps, (G + 1, N, H).
        """
        if self.keeps_states:
            return (block,)
        if self.nonlinearity == "relu":
            return (pack_bits(block[1:]),)
        derivative = 1 - block[1:].square()
        return self.sketch.compress(derivative, derive_seed(self.seed, "derivative", start))

    def derivative_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return the bytes that ``keep_derivative`` keeps of a chunk, if no states."""
        if self.nonlinearity == "relu":
            return packed_bytes(math.prod(shape))
        return self.sketch.saved_bytes(shape, dtype)

    def restore_derivative(self, kept: Kept, start: int, shape: Shape, memory: Tensor) -> Tensor:
        """Return what ``differentiate`` takes for each step of a chunk, (G, N, H).

        Args:
            kept: The result of ``keep_derivative``.
            start: First step of the chunk.
            shape: Of the chunk's states, (G, N, H).
            memory: Where the bits of ReLU may be spread out.
        """
        if self.keeps_states:
            return kept[0][1:]
        if self.nonlinearity == "relu":
            return unpack_bits(kept[0], torch.Size(shape), memory.dtype, memory)
        return self.sketch.restore(kept, shape, derive_seed(self.seed, "derivative", start))

    def differentiate(self, g: Tensor, y: Tensor, out: Tensor) -> None:
        """Write ``g`` times the derivative.

        Args:
            g: Gradient after the nonlinearity.
            y: The state; of ReLU 1 or 0 if alive or not; of tanh the derivative, if sketched.
            out: Where to write; of ReLU perhaps ``y`` itself.
        """
        if self.nonlinearity == "relu":
            _threshold_backward_(g, y, 0, grad_input=out)
        elif self.keeps_states:
            _tanh_backward_(g, y, grad_input=out)
        else:
            torch.mul(g, y, out=out)

    def alive_before(self, previous: Kept | None, derivative: Kept, size: int) -> Tensor | None:
        """Return which entries are not zero of the states one step before those of a chunk.

        Args:
            previous: What ``keep_derivative`` kept of the chunk before; None before the first
                one, whose first state can be anything.
            derivative: What it kept of the chunk.
            size: Entries of a state.

        Returns:
            One bit for each entry; None where they are not kept, or a state's fill no whole bytes.
        """
        if self.keeps_states or self.nonlinearity != "relu" or size % 8:
            return None
        (bits,) = derivative
        first = bits.new_full((size // 8,), 255) if previous is None else previous[0][-size // 8 :]
        return torch.cat([first, bits[: -size // 8]])

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


def must_keep_states(nonlinearity: str, sketch: Sketch, shape: Shape, dtype: torch.dtype) -> bool:
    """Tell whether the states have to be kept whole.

    The derivative of tanh is not linear in them, and is sketched by itself: where the sketch
    serves derivatives, and two sketches take less than the states.

    Args:
        nonlinearity: ``relu`` or ``tanh``.
        sketch: What to keep of inputs and hidden states.
        shape: Of one step's states, (1, N, H).
        dtype: Of the states.
    """
    if nonlinearity == "tanh" and sketch.serves_derivatives:
        return 2 * sketch.saved_bytes(shape, dtype) >= Exact().saved_bytes(shape, dtype)
    return nonlinearity == "tanh" or isinstance(sketch, Exact)
