"""The control problem as a module: seven parameters, and a forward pass that is the loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from radexp.errors import require
from radexp.reactor.adjoint import control_loss
from radexp.reactor.control import NUM_TERMS, STEADY_GROWTH
from radexp.reactor.dynamics import Problem
from radexp.reactor.storage import Storage
from radexp.seeding import SeedStream, generator

SPREAD = 0.1


class Reactor(nn.Module):
    """The reactor under a control that can be learned.

    Args:
        problem: Grid, terms and target.
        storage: How states survive until the backward pass.
        initial: The seven starting parameters.
        seed: Seed of all draws; every differentiated call gets its own from it.

    Attributes:
        theta: The parameters, shape (7,), float32.
        seeds: Where each call's seed comes from.

    Raises:
        UsageError: If there are not seven starting parameters.
    """

    def __init__(
        self, problem: Problem, storage: Storage, initial: Sequence[float], seed: int = 0
    ) -> None:
        super().__init__()
        require(
            len(initial) == NUM_TERMS,
            f"model.initial={list(initial)}",
            f"{NUM_TERMS} numbers, or null for a start from the seed",
            "try model.initial=[4.932,0,0,0,0,0,0]",
        )
        self.problem, self.storage = problem, storage
        self.theta = nn.Parameter(torch.tensor(list(initial), dtype=torch.float32))
        self.seeds = SeedStream(seed, "trajectory")

    def forward(self) -> Tensor:
        """Return the loss of the control; without gradients nothing is drawn or kept."""
        records = torch.is_grad_enabled() and self.theta.requires_grad
        seed = self.seeds.next() if records else 0
        return control_loss(self.theta, self.problem, self.storage, seed)

    def extra_repr(self) -> str:
        """Describe the problem and what is stored."""
        return f"{self.problem}, {self.storage}"


def initial_control(seed: int) -> list[float]:
    """Return the published start: theta_0 near the steady state, the others small at random.

    Args:
        seed: Seed of the six numbers uniform in (-0.1, 0.1).

    Example:
        >>> start = initial_control(0)
        >>> start[0], len(start), all(abs(theta) < 0.1 for theta in start[1:])
        (4.932, 7, True)
    """
    noise = torch.rand(NUM_TERMS - 1, generator=generator(seed), dtype=torch.float64)
    return [STEADY_GROWTH, *(SPREAD * (2 * noise - 1)).tolist()]
