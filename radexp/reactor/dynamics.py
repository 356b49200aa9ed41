"""The controlled field under one control: steps forward, and the discrete adjoint backward."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from radexp.reactor import loops
from radexp.reactor.control import NUM_TERMS, Control
from radexp.reactor.grid import Floats, Grid
from radexp.reactor.target import Target


class Entries(NamedTuple):
    """States by a few entries each: values that add up, and their positions, both (G, K)."""

    values: Tensor
    positions: Tensor


States = Tensor | Entries


class Problem:
    """Everything that does not depend on the control: grid, terms, target, and their tables.

    Args:
        grid: Where and when.

    Example:
        >>> Problem(Grid(points=5, steps=301))
        Problem(Grid(points=5, steps=301, final_time=10.0, diffusion=0.25))
    """

    def __init__(self, grid: Grid) -> None:
        self.grid, self.control, self.target = grid, Control(grid), Target(grid)
        column_D = np.arange(grid.num_interior) % grid.width
        self._fields_6D = np.stack(
            [
                self.control.sine_D,
                self.control.cosine_D,
                np.where(column_D > 0, grid.ratio, 0),
                np.where(column_D < grid.width - 1, grid.ratio, 0),
                self.target.start_D,
                self.target.shape_D,
            ]
        )

    def fields(self, dtype: np.dtype[Any]) -> Any:
        """Return the constant fields of ``loops``, shape (6, D)."""
        return self._fields_6D.astype(dtype)

    def __repr__(self) -> str:
        return f"Problem({self.grid})"


class Dynamics:
    """The field under one control.

    Step n takes ``phi_n`` to ``phi_{n+1} = B_n phi_n`` with the symmetric matrix
    ``B_n = 1 + dt (D lap + C_n)``. With ``lam_{n+1}`` the gradient of the loss with respect to
    ``phi_{n+1}``, the discrete adjoint is

        lam_n = B_n lam_{n+1} + (2 dt / points^2) (phi_n - phi*(t_{n-1})),
        dL/dtheta_k = sum_n dt <lam_{n+1}, basis_k(t_n) phi_n>.

    The state enters twice, linearly: as the factor in the second line, and in the first line's
    residual. Whoever replaces both by independent unbiased estimates leaves the gradient unbiased.

    Args:
        problem: What does not depend on the control.
        theta: Its seven parameters, float32 or float64, which decides the field's precision.

    Shapes: T steps, G of them at a time, D interior points.
    """

    def __init__(self, problem: Problem, theta: Tensor) -> None:
        self.problem, self.grid = problem, problem.grid
        values = theta.detach().numpy()
        self.dtype, self._theta = values.dtype, values.astype(np.float64)
        self._fields_6D = problem.fields(self.dtype)
        self._ratio = self.dtype.type(self.grid.ratio)
        self._weight = self.dtype.type(2 * problem.target.weight)
        self.start_D = self._fields_6D[4]

    def _rates(self, steps: slice, waves: slice) -> Any:
        """Return the rates of ``loops`` for G steps, and the target's waves, shape (G, 4)."""
        rates_G3 = self.grid.dt * self.problem.control.coefficients(self._theta, steps)
        rates_G3[:, 0] += 1 - 4 * self.grid.ratio
        return np.column_stack([rates_G3, self.problem.target.wave_T[waves]]).astype(self.dtype)

    def new_states(self, count: int) -> Tensor:
        """Return room for some states, (G, 1, D): for sketches, G groups of one row."""
        return torch.from_numpy(np.empty((count, 1, self.grid.num_interior), self.dtype))

    def advance(self, start_D: Any, first: int, states_G1D: Tensor) -> float:
        """Take G steps, write the states after them and return their part of the loss.

        Args:
            start_D: The state before step ``first``.
            first: Number of the first step.
            states_G1D: Room for the states ``first + 1`` to ``first + G``.
        """
        states_GD, errors_G = states_G1D[:, 0].numpy(), np.empty(len(states_G1D))
        steps = slice(first, first + len(states_GD))
        rates_G4 = self._rates(steps, steps)
        loops.advance(
            start_D, self._fields_6D, rates_G4, self._ratio, self.grid.width, states_GD, errors_G
        )
        return float(errors_G.sum()) * self.problem.target.weight

    def adjoint(self, counts_D: Any = 1) -> Adjoint:
        """Return an adjoint that stands after the last step.

        Args:
            counts_D: How often each point of the target counts; once, unless states are known at
                some points alone.
        """
        return Adjoint(self, counts_D)


class Adjoint:
    """The discrete adjoint of a Dynamics, on its way from the last state to the first."""

    def __init__(self, dynamics: Dynamics, counts_D: Any) -> None:
        self._dynamics, self._gradient = dynamics, np.zeros(NUM_TERMS)
        self._lam_D = np.zeros(dynamics.grid.num_interior, dynamics.dtype)
        self._fields_6D = dynamics._fields_6D.copy()
        self._fields_6D[4:] *= counts_D

    def retreat(self, first: int, factors: States, residuals: States) -> None:
        """Go back through the G states after steps ``first`` to ``first + G - 1``.

        Args:
            first: Number of the first of these steps.
            factors: The states, or estimates of them, for the gradient of theta.
            residuals: The states, or independent estimates, for the gradient of the loss.
        """
        run = self._dynamics
        sparse = isinstance(factors, Entries) and isinstance(residuals, Entries)
        given: list[Any] = (
            [tensor.numpy() for states in (factors, residuals) for tensor in states]
            if sparse
            else [factors.numpy(), residuals.numpy()]  # type: ignore[union-attr]
        )
        ended = slice(first, first + len(given[0]))
        started = slice(ended.start + 1, ended.stop + 1)
        sums_G3 = np.empty((len(given[0]), 3))
        loop = loops.retreat_sparsely if sparse else loops.retreat
        loop(
            *(self._lam_D, self._fields_6D, run._rates(started, ended), run._ratio, run.grid.width),
            *(run._weight, *given, sums_G3),
        )
        self._gradient += run.problem.control.pull_back(sums_G3, started)

    def gradient(self) -> Floats:
        """Return dL/dtheta, shape (7,), once all states are behind."""
        run, control = self._dynamics, self._dynamics.problem.control
        product_D = self._lam_D.astype(np.float64) * run.start_D
        whole, with_sine = product_D.sum(), product_D @ control.sine_D
        sums_13 = np.array([[whole, with_sine, product_D @ control.cosine_D]])
        gradient: Floats = self._gradient + control.pull_back(sums_13, slice(1))
        return run.grid.dt * gradient
