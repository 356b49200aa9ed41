"""The estimator of the published code: biased, and here only to be compared with."""

from __future__ import annotations

from torch import Tensor

from radexp.reactor.dynamics import Dynamics
from radexp.reactor.grid import Floats
from radexp.reactor.storage import Sketched
from radexp.sketches import Kept, Sampling, Shape


class Unscaled:
    """Sampling without its scale D / K, as the published code samples: ``E[xhat] = (K / D) x``.

    It is no ``Sketch``, since those are unbiased; but it answers the same calls.

    Args:
        sampling: The unbiased sampling whose positions are taken.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.compress, self.saved_bytes = sampling.compress, sampling.saved_bytes

    def entries(self, kept: Kept, shape: Shape, seed: int) -> tuple[Tensor, Tensor]:
        """Return the values as they are, and their positions."""
        return kept[0], self.sampling.positions(shape, seed, kept[0].device)

    def __repr__(self) -> str:
        return f"Unscaled({self.sampling})"


class AsPublished(Sketched):
    """One draw for all iterations, not rescaled, for the factor and the residual alike.

    Both factors of each product are too small by K / D on average, while the target is not, and
    they are sampled at the same points, so that their noise does not average out. As the draw
    never changes, no number of iterations averages over it either: the gradient is biased.

    Args:
        sampling: Whose positions are taken.
        seed: Names the draw.

    Do not use it for anything but this comparison. Source: the published code, as far as it is
    described; the paper's own equation 7 is ``Sketched``.
    """

    def __init__(self, sampling: Sampling, seed: int) -> None:
        super().__init__(Unscaled(sampling), draws=1)  # type: ignore[arg-type]
        self.seed = seed

    def record(self, run: Dynamics, seed: int) -> tuple[float, Kept]:
        """Run forward with the frozen draw."""
        return super().record(run, self.seed)

    def replay(self, run: Dynamics, kept: Kept, seed: int) -> Floats:
        """Run backward with the frozen draw."""
        return super().replay(run, kept, self.seed)

    def __repr__(self) -> str:
        return f"AsPublished({self.sketch})"
