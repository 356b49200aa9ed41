"""The estimator of the published code: biased, and here only to be compared with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from radexp.reactor.dynamics import Dynamics, Entries
from radexp.reactor.grid import Floats, Grid
from radexp.reactor.storage import CHUNK_STEPS, Storage, chunks_of
from radexp.sketches import Kept, Sampling


class AsPublished(Storage):
    """One set of points for all states and iterations, not rescaled, for both factors.

    The state is known at the kept points alone, so the loss's gradient is taken there, as if the
    field followed its target everywhere else. Nothing makes up for what is left out, and no number
    of iterations averages over a choice that never changes, so the gradient is biased: too short
    by about the square of the kept fraction, which an optimizer such as Adam does not notice, and
    in a wrong direction, which it does.

    Args:
        sampling: How many points are kept, and how they are drawn.
        seed: Names the set of points.

    Do not use it for anything but this comparison. Source: the published code as it is described,
    not as the paper's equation 7 has it; that is ``Sketched``.
    """

    def __init__(self, sampling: Sampling, seed: int) -> None:
        self.sampling = Sampling(sampling.keep, shared=True, replacement=sampling.replacement)
        self.seed = seed

    def record(self, run: Dynamics, seed: int) -> tuple[float, Kept]:
        """Run forward and keep the values at the points; the seed of the run changes nothing."""
        loss, kept, state_D = 0.0, list[Tensor](), run.start_D
        for first, count in chunks_of(run.grid.steps, CHUNK_STEPS):
            states_G1D = run.new_states(count)
            loss += run.advance(state_D, first, states_G1D)
            kept += self.sampling.compress(states_G1D.transpose(0, 1), self.seed)
            state_D = states_G1D[-1, 0].numpy().copy()
            del states_G1D  # before the next chunk is there
        return loss, tuple(kept)

    def replay(self, run: Dynamics, kept: Kept, seed: int) -> Floats:
        """Run backward with the values at the points, and with the target there alone."""
        size = run.grid.num_interior
        points_K = self.sampling.positions((1, 1, size), self.seed, torch.device("cpu")).flatten()
        adjoint = run.adjoint(np.bincount(points_K.numpy(), minlength=size))
        every = reversed(list(zip(chunks_of(run.grid.steps, CHUNK_STEPS), kept, strict=True)))
        for (first, count), values_1GK in every:
            states = Entries(values_1GK[0], points_K.expand(count, -1).contiguous())
            adjoint.retreat(first, states, states)
        return adjoint.gradient()

    def saved_bytes(self, grid: Grid, dtype: torch.dtype) -> int:
        """Return ``T * K * itemsize``."""
        return self.sampling.saved_bytes((1, grid.steps, grid.num_interior), dtype)

    def __repr__(self) -> str:
        return f"AsPublished(keep={self.sampling.keep}, seed={self.seed})"
