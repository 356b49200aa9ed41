"""The control: seven numbers that scale how fast the field grows, in space and time."""

from __future__ import annotations

import numpy as np

from radexp.reactor.grid import Floats, Grid

NUM_TERMS = 7
STEADY_GROWTH = 4.932  # where theta_0 starts: near the decay by diffusion, 2 pi^2 D = 4.9348


class Control:
    """The terms of C(x, t) = sum_k theta_k basis_k(x, t), split into space and time.

    ``C = th0 + th1 s + th2 c + (th3 s + th4 c) sin(2 pi x) + (th5 s + th6 c) cos(2 pi x)`` with
    ``s, c = sin(pi t), cos(pi t)``. So at each time C is ``alpha + beta sin(2 pi x) + gamma
    cos(2 pi x)`` with three numbers, and the seven sums of an adjoint are products of ``s`` and
    ``c`` with three sums over space.

    Args:
        grid: Where and when.

    Attributes:
        sine_D: sin(2 pi x) at the interior points.
        cosine_D: cos(2 pi x) there.

    Example:
        >>> control = Control(Grid(points=5, steps=101))
        >>> control.coefficients(np.array([1.0, 0, 0, 0, 0, 0, 0]))[0].tolist()
        [1.0, 0.0, 0.0]

    Source: section 5.
    """

    def __init__(self, grid: Grid) -> None:
        x_D, _ = grid.coordinates()
        self.sine_D, self.cosine_D = np.sin(2 * np.pi * x_D), np.cos(2 * np.pi * x_D)
        self._sine_T, self._cosine_T = np.sin(np.pi * grid.times), np.cos(np.pi * grid.times)

    def coefficients(self, theta: Floats) -> Floats:
        """Return alpha, beta and gamma at all times, shape (T + 1, 3)."""
        s_T, c_T = self._sine_T, self._cosine_T
        alpha_T = theta[0] + theta[1] * s_T + theta[2] * c_T
        beta_T, gamma_T = theta[3] * s_T + theta[4] * c_T, theta[5] * s_T + theta[6] * c_T
        return np.stack([alpha_T, beta_T, gamma_T], axis=1)

    def pull_back(self, sums_T3: Floats) -> Floats:
        """Return the gradient of theta from that of ``coefficients``: its transpose.

        Args:
            sums_T3: One row for each time, shape (T + 1, 3).

        Returns:
            Shape (7,).
        """
        s_T, c_T = self._sine_T, self._cosine_T
        of_sine, of_cosine = s_T @ sums_T3, c_T @ sums_T3
        pairs = np.stack([of_sine, of_cosine], axis=1).ravel()
        return np.concatenate([[sums_T3[:, 0].sum()], pairs])
