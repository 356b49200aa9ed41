"""The loss of a control as one differentiable operation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from radexp.errors import require
from radexp.kernels import serves
from radexp.reactor.dynamics import Dynamics, Problem
from radexp.reactor.storage import CHUNK_STEPS, Storage


class _ControlLoss(torch.autograd.Function):
    """The loss as a function of theta alone; keeps what the storage keeps, and theta."""

    @staticmethod
    def forward(ctx: Any, theta: Tensor, problem: Problem, storage: Storage, seed: int) -> Tensor:
        loss, kept = storage.record(Dynamics(problem, theta), seed)
        ctx.save_for_backward(theta, *kept)
        ctx.problem, ctx.storage, ctx.seed = problem, storage, seed
        return theta.new_tensor(loss)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        theta, *kept = ctx.saved_tensors
        gradient = ctx.storage.replay(Dynamics(ctx.problem, theta), tuple(kept), ctx.seed)
        return g * theta.new_tensor(gradient), None, None, None


def control_loss(theta: Tensor, problem: Problem, storage: Storage, seed: int) -> Tensor:
    """Run the field under a control and return its loss, differentiable in theta.

    The loss is exact whatever the storage; the gradient is what the storage makes of it.

    Args:
        theta: The seven parameters, float32 or float64, on the CPU.
        problem: Grid, terms and target.
        storage: How states survive until the backward pass.
        seed: Seed of this call's draws.

    Returns:
        The loss, a scalar of theta's type.

    Raises:
        UsageError: If theta is of another type or on another device.

    Example:
        >>> from radexp.reactor import Grid
        >>> from radexp.reactor.storage import Checkpoints
        >>> problem = Problem(Grid(points=5, steps=101, final_time=1.0))
        >>> theta = torch.tensor([4.9, 0, 0, 0, 0, 0, 0], requires_grad=True)
        >>> control_loss(theta, problem, Checkpoints(9), seed=0).backward()
        >>> theta.grad.shape
        torch.Size([7])

    Source: section 5 and equation 7.
    """
    require(
        serves(theta),
        f"theta of {theta.dtype} on {theta.device}",
        "float32 or float64 on the CPU",
        "move it there",
    )
    if theta.requires_grad and torch.is_grad_enabled():
        return _ControlLoss.apply(theta, problem, storage, seed)  # type: ignore[no-any-return]
    return theta.new_tensor(exact_loss(Dynamics(problem, theta)))


def exact_loss(run: Dynamics) -> float:
    """Run forward in the room of one chunk and return the loss alone."""
    room_G1D = run.new_states(CHUNK_STEPS)
    loss, state_D = 0.0, run.start_D
    for first in range(0, run.grid.steps, CHUNK_STEPS):
        states_G1D = room_G1D[: run.grid.steps - first]
        loss += run.advance(state_D, first, states_G1D)
        state_D = states_G1D[-1, 0].numpy().copy()
    return loss
