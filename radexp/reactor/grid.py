"""Space and time as the explicit scheme sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from radexp.errors import require

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The unit square with ``points`` x ``points`` points, and T equal steps in time.

    The field is zero on the boundary, so only the D = (points - 2)^2 interior points are computed,
    as vectors of length D with x running fastest. One explicit step weighs the four neighbours by
    ``ratio = diffusion dt / dx^2``; it is stable while what is left for the point itself,
    ``1 - 4 ratio``, is positive.

    Attributes:
        points: Points along each side, boundary included.
        steps: T, the number of steps; step n starts at ``times[n]``, and ``times`` are
            equally spaced from 0 to ``final_time``.
        final_time: When the last step starts.
        diffusion: Diffusion constant.

    Raises:
        UsageError: If the step in time is too long for the step in space.

    Example:
        >>> grid = Grid()
        >>> grid.num_interior, 1 / grid.dx, 1 / grid.dt, grid.ratio
        (961, 32.0, 4096.0, 0.0625)

    Source: section 5.
    """

    points: int = 33
    steps: int = 40_961
    final_time: float = 10.0
    diffusion: float = 0.25

    def __post_init__(self) -> None:
        """Refuse a step in time for which the scheme is unstable."""
        least = int(self.final_time * 4 * self.diffusion / self.dx**2) + 2
        require(
            4 * self.ratio < 1,
            f"model.steps={self.steps} with model.points={self.points}, a time step of "
            f"{self.dt:.6g} (4 D dt / dx^2 = {4 * self.ratio:.4g})",
            f"a time step below {self.dx**2 / (4 * self.diffusion):.6g}, the largest stable one",
            f"set model.steps={least} or more, or a smaller model.points",
        )

    @property
    def dx(self) -> float:
        """The distance of neighbours."""
        return 1 / (self.points - 1)

    @property
    def dt(self) -> float:
        """The length of a step in time."""
        return self.final_time / (self.steps - 1)

    @property
    def ratio(self) -> float:
        """The weight of each neighbour in one step."""
        return self.diffusion * self.dt / self.dx**2

    @property
    def width(self) -> int:
        """Interior points along each side."""
        return self.points - 2

    @property
    def num_interior(self) -> int:
        """D, the number of interior points."""
        return self.width**2

    @property
    def times(self) -> Floats:
        """The times at which steps start, and the one after the last: shape (T + 1,)."""
        return np.arange(self.steps + 1) * self.final_time / (self.steps - 1)

    def coordinates(self) -> tuple[Floats, Floats]:
        """Return x and y of the interior points, each of shape (D,); x runs fastest."""
        inside = np.arange(1, self.points - 1) * self.dx
        return np.tile(inside, self.width), np.repeat(inside, self.width)
