"""A recurrent layer that keeps few of its states, and runs the steps between them once more."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from radexp.ops.cell import Cell
from radexp.ops.recurrent_steps import chunks_of, run_steps, run_steps_back
from radexp.sketches import Exact
from radexp.sketches.base import Shape


class _CheckpointedRNN(torch.autograd.Function):
    """All steps of a recurrent layer; keeps inputs, a state for each stretch, and one stretch."""

    @staticmethod
    def forward(
        ctx: Any,
        x_TNI: Tensor,
        h_NH: Tensor | None,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None,
        b_hh: Tensor | None,
        cell: Cell,
        stretch: int,
    ) -> Tensor:
        bias = None if b_ih is None or b_hh is None else b_ih + b_hh
        size = (x_TNI.shape[1], len(w_hh))
        room_LNH = w_hh.new_empty(min(stretch, len(x_TNI)), *size)
        ends_SNH = w_hh.new_empty(-(-len(x_TNI) // stretch) - 1, *size)
        before_NH = w_hh.new_zeros(size) if h_NH is None else h_NH
        states_LNH = room_LNH
        for number, x_LNI in enumerate(x_TNI.split(stretch)):
            states_LNH = room_LNH[: len(x_LNI)]
            run_steps(cell, x_LNI, before_NH, states_LNH, w_ih, w_hh, bias)
            if number < len(ends_SNH):
                before_NH = ends_SNH[number].copy_(states_LNH[-1])
        ctx.cell, ctx.stretch, ctx.in_room = cell, stretch, len(ends_SNH)
        ctx.save_for_backward(x_TNI, h_NH, w_ih, w_hh, b_ih, b_hh, ends_SNH, room_LNH)
        return states_LNH[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_last: Tensor) -> tuple[Tensor | None, ...]:
        x_TNI, h_NH, w_ih, w_hh, b_ih, b_hh, ends_SNH, room = ctx.saved_tensors
        bias = None if b_ih is None or b_hh is None else b_ih + b_hh
        # Written over: not what autograd minds, as ``in_room`` tells whose states these are.
        room_LNH = room.data
        grad_x = x_TNI.new_empty(x_TNI.shape) if ctx.needs_input_grad[0] else None
        grads = [torch.zeros_like(w) for w in (w_ih, w_hh, w_hh[:, 0])]
        g_NH = g_last.clone()
        for number, x_LNI in reversed(list(enumerate(x_TNI.split(ctx.stretch)))):
            states_LNH = room_LNH[: len(x_LNI)]
            before_NH = ends_SNH[number - 1] if number else h_NH
            if before_NH is None:
                before_NH = torch.zeros_like(g_NH)
            if ctx.in_room != number:
                run_steps(ctx.cell, x_LNI, before_NH, states_LNH, w_ih, w_hh, bias)
                ctx.in_room = number
            start = number * ctx.stretch
            into = None if grad_x is None else grad_x[start : start + len(x_LNI)]
            _retreat(ctx.cell, x_LNI, before_NH, states_LNH, w_ih, w_hh, g_NH, grads, into)
        found = (grad_x, g_NH, *grads, grads[-1], None, None)
        needed = ctx.needs_input_grad
        return tuple(g if needs else None for g, needs in zip(found, needed, strict=True))


def _retreat(
    cell: Cell,
    x_LNI: Tensor,
    before_NH: Tensor,
    states_LNH: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    g_NH: Tensor,
    grads: list[Tensor],
    grad_x: Tensor | None,
) -> None:
    """Take a stretch's steps backwards, in chunks that fit a cache.

    ``g_NH`` goes on to the state before; ``grads`` of both weights and the bias are added to.
    """
    grad_ih, grad_hh, grad_bias = grads
    chunks = list(chunks_of(len(x_LNI), g_NH.nbytes))
    memory = torch.empty_like(states_LNH[: chunks[0][1]])
    for start, stop in reversed(chunks):
        a_GNH = memory[: stop - start]
        run_steps_back(cell, states_LNH[start:stop], w_hh, g_NH, None, a_GNH)
        first_NH = states_LNH[start - 1] if start else before_NH
        grad_hh.addmm_(a_GNH[0].t(), first_NH)
        grad_hh.addmm_(a_GNH[1:].flatten(0, 1).t(), states_LNH[start : stop - 1].flatten(0, 1))
        grad_ih.addmm_(a_GNH.flatten(0, 1).t(), x_LNI[start:stop].flatten(0, 1))
        grad_bias += a_GNH.sum((0, 1))
        if grad_x is not None:
            torch.matmul(a_GNH, w_ih, out=grad_x[start:stop])


def checkpointed_rnn(
    x_TNI: Tensor,
    h_NH: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    nonlinearity: str,
    count: int | None = None,
) -> Tensor:
    """Run ``h_t = f(W_ih x_t + W_hh h_{t-1} + b_ih + b_hh)``, with exact gradients.

    With c checkpoints the T steps fall into stretches of ``L = ceil(T / (c + 1))``. Kept are the
    inputs, the states at the ends of all stretches but the last, and the room for one stretch
    that the forward pass runs through: ``ceil(T / L) - 1 + L`` states. At its end the room holds
    the last stretch, which the backward pass begins with; it runs every other one again, T - L
    steps, into the same room. So no more is ever held than what is saved in the forward pass.

    Shapes: T steps, N examples, I input features, H hidden units, L steps of a stretch.

    Args:
        x_TNI: Inputs.
        h_NH: States before the first step; None: zeros.
        w_ih: Shape (H, I).
        w_hh: Shape (H, H).
        b_ih: Shape (H,); or None.
        b_hh: Shape (H,); None where ``b_ih`` is.
        nonlinearity: ``relu`` or ``tanh``.
        count: c; None for stretches of sqrt(T) steps, which keep the fewest states.

    Returns:
        The last states, (N, H).

    Example:
        >>> x, weights = torch.ones(28, 5, 1), (torch.ones(8, 1), torch.eye(8, requires_grad=True))
        >>> checkpointed_rnn(x, None, *weights, None, None, "relu").shape
        torch.Size([5, 8])

    Source: T. Chen et al., "Training deep nets with sublinear memory cost", arXiv 1604.06174.
    """
    cell = Cell(nonlinearity, False, Exact(), 0, keeps_states=True)
    x_TNI, h_NH = x_TNI.to(w_hh.dtype), None if h_NH is None else h_NH.to(w_hh.dtype)
    return _CheckpointedRNN.apply(  # type: ignore[no-any-return]
        x_TNI, h_NH, w_ih, w_hh, b_ih, b_hh, cell, stretch_of(len(x_TNI), count)
    )


def stretch_of(num_steps: int, count: int | None) -> int:
    """Return L, the steps between two checkpoints.

    Args:
        num_steps: T.
        count: c, or None for the fewest states.

    Example:
        >>> stretch_of(784, None), stretch_of(784, 1), stretch_of(784, 0)
        (28, 392, 784)
    """
    return math.isqrt(num_steps) if count is None else -(-num_steps // (count + 1))


def checkpointed_rnn_saved_bytes(
    shape: Shape, hidden_size: int, itemsize: int, count: int | None, with_start: bool
) -> int:
    """Return the bytes that ``checkpointed_rnn`` keeps.

    Args:
        shape: Of the inputs, (T, N, I).
        hidden_size: Units H.
        itemsize: Bytes of a number.
        count: c, or None.
        with_start: Whether there are states before the first step, which are kept as well.
    """
    num_steps, rows, num_inputs = shape
    stretch = stretch_of(num_steps, count)
    states = -(-num_steps // stretch) - 1 + stretch + with_start
    return itemsize * rows * (num_steps * num_inputs + states * hidden_size)
