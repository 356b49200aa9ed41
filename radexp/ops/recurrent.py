"""A recurrent layer over a whole sequence that keeps a sketch of its hidden states."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from radexp.ops.cell import Cell, must_keep_states
from radexp.ops.recurrent_steps import chunks_of, run_steps, run_steps_back
from radexp.packing.bits import packed_bytes
from radexp.sketches import Sketch
from radexp.sketches.base import Kept, Shape


class _SketchedRNN(torch.autograd.Function):
    """All steps of a recurrent layer; keeps sketches of states and inputs, and f's derivative."""

    @staticmethod
    def forward(
        ctx: Any,
        x_TNI: Tensor,
        h_NH: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        bias: Tensor | None,
        cell: Cell,
    ) -> tuple[Tensor | None, Tensor]:
        ctx.cell, ctx.shape, ctx.state_bytes = cell, x_TNI.shape, h_NH.nbytes
        chunks = list(chunks_of(len(x_TNI), h_NH.nbytes))
        # The states of one chunk and the one before; or of all chunks, if all are kept.
        length = len(x_TNI) if cell.keeps_states else max((b - a for a, b in chunks), default=0)
        states = torch.cat([h_NH.unsqueeze(0), h_NH.new_empty(length, *h_NH.shape)])
        outputs = states[1:] if cell.keeps_states else None
        if cell.with_outputs and outputs is None:
            outputs = h_NH.new_empty(len(x_TNI), *h_NH.shape)
        saved: list[tuple[Tensor, ...]] = []
        block = states
        for start, stop in chunks:
            block = states[start if cell.keeps_states else 0 :][: stop - start + 1]
            run_steps(cell, x_TNI[start:stop], block[0], block[1:], w_ih, w_hh, bias)
            previous = saved[-3] if saved else None
            saved += _keep(ctx, x_TNI[start:stop], block, start, previous)
            if not cell.keeps_states:
                if outputs is not None:
                    outputs[start:stop] = block[1:]
                states[0] = block[-1]
        ctx.set_materialize_grads(False)
        ctx.counts = [len(tensors) for tensors in saved]
        ctx.save_for_backward(w_ih, w_hh, *itertools.chain(*saved))
        return outputs if cell.with_outputs else None, (block[-1] if chunks else h_NH).clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, g_TNH: Tensor | None, g_last: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        w_ih, w_hh, *tensors = ctx.saved_tensors
        flat = iter(tensors)
        saved = [tuple(itertools.islice(flat, count)) for count in ctx.counts]
        needs_x, _, needs_ih, needs_hh, needs_bias, _ = ctx.needs_input_grad
        grad_ih = torch.zeros_like(w_ih) if needs_ih else None
        grad_hh = torch.zeros_like(w_hh) if needs_hh else None
        grad_bias = w_hh.new_zeros(len(w_hh)) if needs_bias else None
        grad_x = w_hh.new_empty(ctx.shape) if needs_x else None
        size = (ctx.shape[1], len(w_hh))
        g_NH = w_hh.new_zeros(size) if g_last is None else g_last.clone()
        chunks = list(chunks_of(ctx.shape[0], ctx.state_bytes))
        longest = max((stop - start for start, stop in chunks), default=0)
        memory = w_hh.new_empty(8 * packed_bytes(longest * math.prod(size)))
        for start, stop in reversed(chunks):
            inputs, hidden, derivative = saved.pop(), saved.pop(), saved.pop()
            shape = (stop - start, *size)
            g_GNH = None if g_TNH is None else g_TNH[start:stop]
            y_GNH = ctx.cell.restore_derivative(derivative, start, shape, memory)
            a_GNH = memory[: math.prod(shape)].view(shape)  # of ReLU written over the mask
            run_steps_back(ctx.cell, y_GNH, w_hh, g_NH, g_GNH, a_GNH)
            if grad_hh is not None:
                previous = saved[-3] if saved else None
                alive = ctx.cell.alive_before(previous, derivative, math.prod(size))
                grad_hh += ctx.cell.contract("hidden", start, a_GNH, hidden, shape, alive)
            if grad_ih is not None:
                input_shape = (*shape[:2], ctx.shape[2])
                grad_ih += ctx.cell.contract("input", start, a_GNH, inputs, input_shape)
            if grad_bias is not None:
                grad_bias += a_GNH.sum((0, 1))
            if grad_x is not None:
                torch.matmul(a_GNH, w_ih, out=grad_x[start:stop])
        return grad_x, g_NH, grad_ih, grad_hh, grad_bias, None


def _keep(
    ctx: Any, x_GNI: Tensor, block: Tensor, start: int, previous: Kept | None
) -> list[tuple[Tensor, ...]]:
    """Return what is kept of a chunk: for the derivative, of the states and of the inputs.

    For the derivative the chunk before kept ``previous``.
    """
    cell = ctx.cell
    _, _, needs_ih, needs_hh, *_ = ctx.needs_input_grad
    inputs = cell.compress("input", start, x_GNI) if needs_ih else ()
    derivative = cell.keep_derivative(start, block)
    if cell.keeps_states:  # they serve as operand and give the derivative
        return [derivative, (block[:-1],), inputs]
    alive = cell.alive_before(previous, derivative, block[0].numel())
    hidden = cell.compress("hidden", start, block[:-1], alive) if needs_hh else ()
    return [derivative, hidden, inputs]


def sketched_rnn(
    x_TNI: Tensor,
    h_NH: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    bias: Tensor | None,
    sketch: Sketch,
    seed: int,
    nonlinearity: str = "relu",
    with_outputs: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Run ``h_t = f(W_ih x_t + W_hh h_{t-1} + b)`` over a sequence, keeping sketches.

    For the backward pass a sketch of every ``h_{t-1}`` and ``x_t`` is kept, fresh at each step,
    and for ReLU one bit per entry of ``h_t``. Gradients of states, inputs and bias are exact;
    those of ``W_hh`` and ``W_ih`` are sums over steps of ``a_t^T hhat_{t-1}`` and ``a_t^T xhat_t``
    with exact ``a_t``, the gradients before the nonlinearity: linear in the one random factor, so
    unbiased. Steps are taken in chunks that fit a cache; both passes go through each once.

    The derivative of tanh, ``1 - h^2``, is not linear in ``h``. A sketch that serves derivatives,
    rounding, is taken of it too, with draws of its own: gradients are then products of independent
    random factors, one a step, and unbiased. Else the states are kept whole, and only the inputs
    are sketched.

    Shapes: T steps, N examples, I input features, H hidden units.

    Args:
        x_TNI: Inputs.
        h_NH: States before the first step.
        w_ih: Shape (H, I).
        w_hh: Shape (H, H).
        bias: Shape (H,), the sum of both biases; or None.
        sketch: What to keep of inputs and states.
        seed: Seed of the sketches' draws.
        nonlinearity: ``relu`` or ``tanh``.
        with_outputs: Return the states of all steps too, which takes their memory.

    Returns:
        The states of all steps (T, N, H), or None if not asked for, and the last ones (N, H).

    Example:
        >>> from radexp.sketches import Sampling
        >>> x, h = torch.ones(28, 5, 1), torch.zeros(5, 8)
        >>> weights = torch.ones(8, 1, requires_grad=True), torch.eye(8, requires_grad=True)
        >>> outputs, last = sketched_rnn(x, h, *weights, None, Sampling(0.25), seed=0)
        >>> outputs.shape, last.shape
        (torch.Size([28, 5, 8]), torch.Size([5, 8]))

    Source: section 4.2 and the recurrent experiments, "a fresh sample at every time step".
    """
    keeps_states = must_keep_states(nonlinearity, sketch, (1, *h_NH.shape), w_hh.dtype)
    cell = Cell(nonlinearity, with_outputs, sketch, seed, keeps_states)
    # Behind a layer under autocast the inputs have a lower precision; states are added up in full.
    x_TNI, h_NH = x_TNI.to(w_hh.dtype), h_NH.to(w_hh.dtype)
    return _SketchedRNN.apply(  # type: ignore[no-any-return]
        x_TNI, h_NH, w_ih, w_hh, bias, cell
    )


def sketched_rnn_saved_bytes(
    shape: Shape,
    hidden_size: int,
    dtype: torch.dtype,
    sketch: Sketch,
    nonlinearity: str = "relu",
    needs_ih: bool = True,
    needs_hh: bool = True,
) -> int:
    """Return the bytes that ``sketched_rnn`` keeps.

    Args:
        shape: Of the inputs, (T, N, I).
        hidden_size: Units H.
        dtype: Of all operands.
        sketch: What is kept of inputs and states.
        nonlinearity: ``relu`` or ``tanh``.
        needs_ih: Whether the gradient of ``w_ih`` is wanted.
        needs_hh: Whether the gradient of ``w_hh`` is wanted.
    """
    num_steps, rows, num_inputs = shape
    state_bytes = rows * hidden_size * dtype.itemsize
    keeps_states = must_keep_states(nonlinearity, sketch, (1, rows, hidden_size), dtype)
    cell = Cell(nonlinearity, False, sketch, 0, keeps_states)
    total = (num_steps + 1) * state_bytes if cell.keeps_states and num_steps else 0
    for start, stop in chunks_of(num_steps, state_bytes):
        block = (stop - start, rows, hidden_size)
        if not cell.keeps_states:
            total += cell.derivative_bytes(block, dtype)
            hidden = cell.sketch_of("hidden", block)
            total += hidden.saved_bytes(block, dtype) if needs_hh else 0
        taken = (*block[:2], num_inputs)
        total += cell.sketch_of("input", taken).saved_bytes(taken, dtype) if needs_ih else 0
    return total
