"""The steps of a recurrent layer, forwards and backwards, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from radexp.ops.cell import Cell

# Steps are taken in chunks of about this size, so that what is in flight stays in a cache.
CHUNK_BYTES = 2**20


def chunks_of(num_steps: int, state_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of the chunks of steps, for states of so many bytes."""
    size = max(1, CHUNK_BYTES // max(1, state_bytes))
    for start in range(0, num_steps, size):
        yield start, min(num_steps, start + size)


def run_steps(
    cell: Cell,
    x_GNI: Tensor,
    before: Tensor,
    states_GNH: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    bias: Tensor | None,
) -> None:
    """Take the steps of a chunk.

    Args:
        cell: The cell.
        x_GNI: Inputs.
        before: The state before the first step, (N, H).
        states_GNH: Where to write the states.
        w_ih: Shape (H, I).
        w_hh: Shape (H, H).
        bias: Shape (H,), the sum of both biases; or None.
    """
    inputs, states = x_GNI.reshape(-1, x_GNI.shape[2]), states_GNH.flatten(0, 1)
    if bias is None:
        torch.mm(inputs, w_ih.t(), out=states)
    else:
        torch.addmm(bias, inputs, w_ih.t(), out=states)
    to_next = w_hh.t()
    for state in states_GNH.unbind():
        cell.activate_(state.addmm_(before, to_next))
        before = state


def run_steps_back(
    cell: Cell, y_GNH: Tensor, w_hh: Tensor, g_NH: Tensor, g_GNH: Tensor | None, a_GNH: Tensor
) -> None:
    """Take a chunk's steps backwards.

    Args:
        cell: The cell.
        y_GNH: What gives its derivative at each step.
        w_hh: Shape (H, H).
        g_NH: Gradient of the last state; it becomes that of the state before the chunk.
        g_GNH: Gradients of the states as outputs; None if they are none.
        a_GNH: Where to write the gradients before the nonlinearity.
    """
    states, gradients = y_GNH.unbind(), a_GNH.unbind()
    from_outputs = None if g_GNH is None else g_GNH.unbind()
    for step in reversed(range(len(states))):
        if from_outputs is not None:
            g_NH += from_outputs[step]
        cell.differentiate(g_NH, states[step], out=gradients[step])
        torch.mm(gradients[step], w_hh, out=g_NH)
