"""The field at the start, and the field that the control shall follow."""

from __future__ import annotations

import numpy as np

from radexp.reactor.grid import Floats, Grid

AMPLITUDE = 0.25


class Target:
    """phi*(x, y, t) = phi_0 + 0.25 sin(pi t) sin(2 pi x) sin(pi y), phi_0 = sin(pi x) sin(pi y).

    The loss is ``sum_n dt mean((phi_{n+1} - phi*(t_n))^2)``: after step n, against the target at
    the time where the step starts, as a mean over the whole grid. Both fields are zero on the
    boundary, so the sum runs over the interior and is divided by all ``points^2``.

    Args:
        grid: Where and when.

    Attributes:
        start_D: phi_0 at the interior points.
        shape_D: 0.25 sin(2 pi x) sin(pi y) there.
        wave_T: sin(pi t) at all times, shape (T + 1,).
        weight: dt / points^2, what one squared error counts.

    Example:
        >>> target = Target(Grid(points=5, steps=301))
        >>> target.start_D.round(3).tolist()[:3]
        [0.5, 0.707, 0.5]

    Source: section 5.
    """

    def __init__(self, grid: Grid) -> None:
        x_D, y_D = grid.coordinates()
        self.start_D: Floats = np.sin(np.pi * x_D) * np.sin(np.pi * y_D)
        self.shape_D: Floats = AMPLITUDE * np.sin(2 * np.pi * x_D) * np.sin(np.pi * y_D)
        self.wave_T: Floats = np.sin(np.pi * grid.times)
        self.weight = grid.dt / grid.points**2

    def at(self, step: int) -> Floats:
        """Return the target at the time where a step starts, shape (D,)."""
        field: Floats = self.start_D + self.wave_T[step] * self.shape_D
        return field
