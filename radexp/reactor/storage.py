"""What survives of the trajectory until the adjoint comes back: the rule, and its three kinds."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from radexp.errors import require
from radexp.reactor.dynamics import Dynamics, Entries, States
from radexp.reactor.grid import Floats, Grid
from radexp.seeding import derive_seed
from radexp.sketches import Kept, Sketch

# Steps that are stored at a time: their states are about a megabyte, which a cache holds.
CHUNK_STEPS = 256


class Storage(ABC):
    """How the states of a trajectory are stored, and brought back for the adjoint."""

    @abstractmethod
    def record(self, run: Dynamics, seed: int) -> tuple[float, Kept]:
        """Run forward.

        Args:
            run: The field under some control.
            seed: Seed of this run's draws.

        Returns:
            The loss, and all tensors that survive until ``replay``.
        """

    @abstractmethod
    def replay(self, run: Dynamics, kept: Kept, seed: int) -> Floats:
        """Run backward from what ``record`` kept and return dL/dtheta, shape (7,)."""

    @abstractmethod
    def saved_bytes(self, grid: Grid, dtype: torch.dtype) -> int:
        """Return the bytes of what ``record`` keeps, in closed form."""


class Sketched(Storage):
    """Keep one or two sketches of each state: for the factor, and for the residual.

    Equation 7. A gradient entry is a sum of products of one residual and one factor, and the
    adjoint is linear in each. With independent draws E[product] is the product of expectations,
    so the estimate is unbiased.

    One draw for both, at half the memory, is unbiased as well, provided that different states
    have independent draws, as the groups of a sketch do: the residual of state m reaches only the
    factors of states n < m, so no state is ever multiplied with itself.

    Args:
        sketch: What is kept of a state; each step is a group of its own, with one row.
        draws: 2, or 1 for one sketch that serves as both.
        chunk_steps: Steps that are compressed at a time.
    """

    def __init__(self, sketch: Sketch, draws: int = 2, chunk_steps: int = CHUNK_STEPS) -> None:
        self.sketch, self.draws, self.chunk_steps = sketch, draws, chunk_steps

    def record(self, run: Dynamics, seed: int) -> tuple[float, Kept]:
        """Run forward and compress chunk by chunk."""
        loss, kept, state_D = 0.0, list[Tensor](), run.start_D
        for first, count in chunks_of(run.grid.steps, self.chunk_steps):
            states_G1D = run.new_states(count)
            loss += run.advance(state_D, first, states_G1D)
            for draw in range(self.draws):
                kept += self.sketch.compress(states_G1D, derive_seed(seed, first, draw))
            state_D = states_G1D[-1, 0].numpy().copy()
            del states_G1D  # before the next chunk is there
        return loss, tuple(kept)

    def replay(self, run: Dynamics, kept: Kept, seed: int) -> Floats:
        """Run backward from the sketches."""
        chunks = list(chunks_of(run.grid.steps, self.chunk_steps))
        adjoint, size = run.adjoint(), len(kept) // (len(chunks) * self.draws)
        for number, (first, count) in reversed(list(enumerate(chunks))):
            shape = (count, 1, run.grid.num_interior)
            states = list[States]()
            for draw in range(self.draws):
                start = (number * self.draws + draw) * size
                part = kept[start : start + size]
                states.append(_states(self.sketch, part, shape, derive_seed(seed, first, draw)))
            adjoint.retreat(first, states[0], states[-1])
        return adjoint.gradient()

    def saved_bytes(self, grid: Grid, dtype: torch.dtype) -> int:
        """Return the draws times what the sketch keeps of T groups of one row."""
        return self.draws * sum(
            self.sketch.saved_bytes((count, 1, grid.num_interior), dtype)
            for _, count in chunks_of(grid.steps, self.chunk_steps)
        )

    def __repr__(self) -> str:
        return f"Sketched({self.sketch}, draws={self.draws})"


class Checkpoints(Storage):
    """Keep few states, and run the stretches between them once more for the adjoint: exact.

    With c checkpoints the T steps fall into stretches of ``L = ceil(T / (c + 1))``. Kept are the
    states at the ends of all stretches but the last, and the room for one stretch that the
    forward pass has run through, which the adjoint needs again: ``ceil(T / L) - 1 + L`` states,
    least at ``L`` near ``sqrt(T)``. The price is a second forward pass.

    Args:
        count: c, the most checkpoints.

    Raises:
        UsageError: If there is no checkpoint.

    Example:
        >>> Checkpoints(202).saved_bytes(Grid(), torch.float32) / (4 * 961)
        404.0

    Source: section 1, "the usual exact rival"; the two-level scheme of Griewank, 1992.
    """

    def __init__(self, count: int) -> None:
        require(
            count >= 1,
            f"checkpoints={count}",
            "a whole number of at least 1",
            "try checkpoints=202",
        )
        self.count = count

    def record(self, run: Dynamics, seed: int) -> tuple[float, Kept]:
        """Run forward through one stretch's room and keep its last state each time."""
        stretch = self.stretch(run.grid.steps)
        room_L1D, ends, loss = run.new_states(stretch), run.new_states(self._ends(run.grid)), 0.0
        state_D = run.start_D
        for number, (first, count) in enumerate(chunks_of(run.grid.steps, stretch)):
            loss += run.advance(state_D, first, room_L1D[:count])
            if number < len(ends):
                ends[number] = room_L1D[count - 1]
                state_D = ends[number, 0].numpy()
        return loss, (ends, room_L1D)

    def replay(self, run: Dynamics, kept: Kept, seed: int) -> Floats:
        """Run each stretch forward again, then backward, the last one first."""
        ends, room_L1D = kept
        adjoint = run.adjoint()
        stretches = list(chunks_of(run.grid.steps, self.stretch(run.grid.steps)))
        for number, (first, count) in reversed(list(enumerate(stretches))):
            states_G1D = room_L1D[:count]
            run.advance(ends[number - 1, 0].numpy() if number else run.start_D, first, states_G1D)
            adjoint.retreat(first, states_G1D[:, 0], states_G1D[:, 0])
        return adjoint.gradient()

    def saved_bytes(self, grid: Grid, dtype: torch.dtype) -> int:
        """Return ``(ceil(T / L) - 1 + L) * D * itemsize``."""
        states = self._ends(grid) + self.stretch(grid.steps)
        return states * grid.num_interior * dtype.itemsize

    def stretch(self, steps: int) -> int:
        """Return L, the steps between two checkpoints."""
        return -(-steps // (self.count + 1))

    def _ends(self, grid: Grid) -> int:
        """Return how many states are kept at the ends of stretches."""
        return -(-grid.steps // self.stretch(grid.steps)) - 1

    def __repr__(self) -> str:
        return f"Checkpoints({self.count})"


def least_checkpoints(steps: int) -> int:
    """Return the number of checkpoints at which ``Checkpoints`` keeps the fewest states.

    Example:
        >>> least_checkpoints(40_961)
        202
    """
    return max(1, -(-steps // math.isqrt(steps)) - 1)


def chunks_of(steps: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the first step and the number of steps of each chunk of a run."""
    for first in range(0, steps, size):
        yield first, min(size, steps - first)


def _states(sketch: Sketch, kept: Kept, shape: tuple[int, int, int], seed: int) -> States:
    """Bring states back: as entries where the sketch has few, else whole, (G, D)."""
    entries = sketch.entries(kept, shape, seed)
    if entries is None:
        return sketch.restore(kept, shape, seed)[:, 0]
    return Entries(*(tensor[:, 0] for tensor in entries))
