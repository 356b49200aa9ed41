"""Time one loss and gradient of the published reactor, on one core, against its arithmetic floor.

The floor is the floating-point operations of forward and adjoint loops, as they are written, over
the rate of multiply-adds that one core reaches when all operands are in registers. Estimators take
turns; printed are medians and quartiles.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numba
import numpy as np
import torch
from interleave import interleave

from radexp.reactor import (
    AsPublished,
    Checkpoints,
    Grid,
    Problem,
    Reactor,
    Sketched,
    Storage,
    initial_control,
    least_checkpoints,
)
from radexp.sketches import Exact, Sampling

# Per point and step. Forward: 4 for C, 8 for the stencil, 5 for the loss; backward: 6 for the three
# sums, 12 for the step, 5 for the residual.
FORWARD_FLOPS, BACKWARD_FLOPS = 17, 23
CHAIN = 32
GRID = Grid()
STORAGES: dict[str, tuple[Storage, float]] = {
    "exact": (Sketched(Exact(), draws=1, chunk_steps=GRID.steps), 0.15),
    "rad 0.1": (Sketched(Sampling(0.1)), 0.2),
    "rad 0.01": (Sketched(Sampling(0.01)), 0.2),
    "rad 0.001": (Sketched(Sampling(0.001)), float("nan")),
    "rad_shared 0.1": (Sketched(Sampling(0.1), draws=1), float("nan")),
    "rad_shared 0.01": (Sketched(Sampling(0.01), draws=1), float("nan")),
    "rad_as_published 0.01": (AsPublished(Sampling(0.01), seed=0), float("nan")),
    "checkpoint": (Checkpoints(least_checkpoints(GRID.steps)), float("nan")),
}


@numba.njit(fastmath={"contract"})  # type: ignore[untyped-decorator]
def multiply_add(values, factor, term, rounds):  # type: ignore[no-untyped-def]
    """Apply a chain of multiply-adds to each value; chains of different values are independent."""
    for _ in range(rounds):
        for i in range(len(values)):
            value = values[i]
            for _ in range(CHAIN):
                value = value * factor + term
            values[i] = value


def peak_flops(dtype: type[np.floating]) -> float:
    """Return the floating-point operations per second of one core, the best of several tries."""
    values, rounds = np.ones(1024, dtype), 2000
    factor, term = dtype(0.999), dtype(1e-3)
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        multiply_add(values, factor, term, rounds)
        seconds = time.perf_counter() - start
        best = max(best, 2.0 * CHAIN * rounds * len(values) / seconds)
    return best


def make_step(storage: Storage, dtype: torch.dtype) -> Callable[[], None]:
    """Return a function that computes one loss and gradient."""
    reactor = Reactor(Problem(GRID), storage, initial_control(0)).to(dtype)

    def step() -> None:
        reactor.theta.grad = None
        reactor().backward()

    return step


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--float64", action="store_true", help="in double precision")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dtype = torch.float64 if arguments.float64 else torch.float32
    rate = peak_flops(np.float64 if arguments.float64 else np.float32)
    flops = (FORWARD_FLOPS + BACKWARD_FLOPS) * GRID.steps * GRID.num_interior
    floor = flops / rate
    print(f"torch {torch.__version__}, 1 thread, {dtype}, {rate / 1e9:.1f} Gflop/s at most")
    print(f"{flops / 1e9:.2f} Gflop for a loss and a gradient: at least {1e3 * floor:.1f} ms\n")
    steps = {name: make_step(storage, dtype) for name, (storage, _) in STORAGES.items()}
    seconds = interleave(steps, arguments.rounds, block_s=0.2)
    print(f"{'estimator':<24}{'ms':>8}{'quartiles':>18}{'of floor':>10}{'target':>8}{'kept MB':>9}")
    for name, times in seconds.items():
        low, middle, high = (1e3 * value for value in statistics.quantiles(times, n=4))
        storage, target = STORAGES[name]
        wanted = f"{1e3 * target:.0f}".replace("nan", "-")
        kept = storage.saved_bytes(GRID, dtype) / 1e6
        print(
            f"{name:<24}{middle:>8.1f}{f'{low:.1f}-{high:.1f}':>18}"
            f"{1e3 * floor / middle:>10.0%}{wanted:>8}{kept:>9.2f}"
        )


if __name__ == "__main__":
    main()
