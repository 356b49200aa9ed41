"""Time functions in turn, so that a drift of the machine's speed hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable


def interleave(
    sides: dict[str, Callable[[], None]], rounds: int, block_s: float
) -> dict[str, list[float]]:
    """Return each side's seconds per call in every round; the sides take turns A B C A B C ...

    Args:
        sides: What to call, by name; each is called a few times first, uncounted.
        rounds: Rounds to take.
        block_s: Seconds that each side is called for in a round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        for _ in range(5):
            side()
    for _ in range(rounds):
        for name, side in sides.items():
            count, start = 0, time.perf_counter()
            while time.perf_counter() - start < block_s:
                side()
                count += 1
            seconds[name].append((time.perf_counter() - start) / count)
    return seconds
