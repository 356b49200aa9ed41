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
        >>> control = Control(Grid(points=5, steps=301))
        >>> control.coefficients(np.array([1.0, 0, 0, 0, 0, 0, 0]), slice(1)).tolist()
        [[1.0, 0.0, 0.0]]

    Source: section 5.
    """

    def __init__(self, grid: Grid) -> None:
        x_D, _ = grid.coordinates()
        self.sine_D, self.cosine_D = np.sin(2 * np.pi * x_D), np.cos(2 * np.pi * x_D)
        self._sine_T, self._cosine_T = np.sin(np.pi * grid.times), np.cos(np.pi * grid.times)

    def coefficients(self, theta: Floats, steps: slice) -> Floats:
        """Return alpha, beta and gamma at the times where G steps start, shape (G, 3)."""
        s_G, c_G = self._sine_T[steps], self._cosine_T[steps]
        alpha_G = theta[0] + theta[1] * s_G + theta[2] * c_G
        beta_G, gamma_G = theta[3] * s_G + theta[4] * c_G, theta[5] * s_G + theta[6] * c_G
        return np.stack([alpha_G, beta_G, gamma_G], axis=1)

    def pull_back(self, sums_G3: Floats, steps: slice) -> Floats:
        """Return the gradient of theta from that of ``coefficients``: its transpose.

        Args:
            sums_G3: One row for each of G steps, shape (G, 3).
            steps: Which steps.

        Returns:
            Shape (7,).
        """
        of_sine, of_cosine = self._sine_T[steps] @ sums_G3, self._cosine_T[steps] @ sums_G3
        pairs = np.stack([of_sine, of_cosine], axis=1).ravel()
        return np.concatenate([[sums_G3[:, 0].sum()], pairs])
