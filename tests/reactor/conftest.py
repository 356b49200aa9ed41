"""A small reactor, and the obvious way to compute it: all points, in PyTorch, with autograd."""

from __future__ import annotations

import math

import pytest
import torch

from radexp.reactor import Grid, Problem

THETA = (4.9, 0.3, -0.2, 0.4, 0.1, -0.3, 0.2)


class Plain:
    """The scheme as it is written down, on all points including the boundary."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        side = torch.linspace(0, 1, grid.points, dtype=torch.float64)
        self.y, self.x = torch.meshgrid(side, side, indexing="ij")
        self.start = torch.sin(math.pi * self.x) * torch.sin(math.pi * self.y)

    def control(self, theta, t):
        s, c = math.sin(math.pi * t), math.cos(math.pi * t)
        sine, cosine = torch.sin(2 * math.pi * self.x), torch.cos(2 * math.pi * self.x)
        terms = [1.0, s, c, sine * s, sine * c, cosine * s, cosine * c]
        return sum(number * term for number, term in zip(theta, terms, strict=True))

    def target(self, t):
        wave = torch.sin(2 * math.pi * self.x) * torch.sin(math.pi * self.y)
        return self.start + 0.25 * math.sin(math.pi * t) * wave

    def states(self, theta):
        """Yield the field after each step; what is on the boundary stays as it is."""
        grid, phi = self.grid, self.start
        for t in torch.linspace(0, grid.final_time, grid.steps, dtype=torch.float64).tolist():
            inside = phi[1:-1, 1:-1]
            around = phi[:-2, 1:-1] + phi[2:, 1:-1] + phi[1:-1, :-2] + phi[1:-1, 2:]
            laplacian = (around - 4 * inside) / grid.dx**2
            growth = (self.control(theta, t) * phi)[1:-1, 1:-1]
            change = grid.dt * (grid.diffusion * laplacian + growth)
            phi = phi + torch.nn.functional.pad(change, (1, 1, 1, 1))
            yield t, phi

    def loss(self, theta):
        errors = [(phi - self.target(t)).square().mean() for t, phi in self.states(theta)]
        return self.grid.dt * torch.stack(errors).sum()


@pytest.fixture(scope="session")
def grid():
    return Grid(points=9, steps=83, final_time=1.0)


@pytest.fixture(scope="session")
def problem(grid):
    return Problem(grid)


@pytest.fixture(scope="session")
def plain(grid):
    return Plain(grid)


@pytest.fixture
def theta():
    return torch.tensor(THETA, dtype=torch.float64, requires_grad=True)


@pytest.fixture(scope="session")
def truth(plain):
    """Return loss and gradient by autograd through the plain scheme."""
    theta = torch.tensor(THETA, dtype=torch.float64, requires_grad=True)
    loss = plain.loss(theta)
    return loss.detach(), torch.autograd.grad(loss, theta)[0]
