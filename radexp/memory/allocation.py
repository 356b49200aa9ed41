"""Which layer gets how many bits: the least noise for so many bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Levels = Mapping[str, Sequence[float]]


def allocate(noise: Levels, bytes_: Levels, room: float) -> dict[str, int]:
    """Choose a level for each layer so that all noise together is small and the bytes fit.

    Layers start at their first level. Then, as long as one fits, the rise is taken that removes
    most noise for each byte, of one level or of several at once. Where noise falls with the bytes
    as a convex function, no other choice that takes as many bytes has less. The result is
    compared with every layer at the same level, and the best is returned.

    Args:
        noise: Of each layer at each level, falling.
        bytes_: Of each layer at each level, rising.
        room: Bytes for all layers together.

    Returns:
        The level of each layer, counted from 0; the first of all if not even those fit.

    Example:
        >>> noise = {"wide": [4.0, 1.0, 0.25], "deep": [8.0, 2.0, 0.5]}
        >>> allocate(noise, {"wide": [10, 20, 30], "deep": [1, 2, 3]}, room=23)
        {'wide': 1, 'deep': 2}
    """
    chosen = dict.fromkeys(noise, 0)
    while True:
        left = room - _total(bytes_, chosen)
        rises = [
            (_gain(noise, bytes_, name, level, higher), name, higher)
            for name, level in chosen.items()
            for higher in range(level + 1, len(noise[name]))
            if bytes_[name][higher] - bytes_[name][level] <= left
        ]
        if not rises:
            break
        _, name, higher = max(rises)
        chosen[name] = higher
    highest = min(map(len, noise.values()), default=0)
    alike = [dict.fromkeys(noise, level) for level in range(highest)]
    fitting = [one for one in alike if _total(bytes_, one) <= room]
    return min([chosen, *fitting], key=lambda one: _total(noise, one))


def _total(of_levels: Levels, chosen: Mapping[str, int]) -> float:
    return sum(of_levels[name][level] for name, level in chosen.items())


def _gain(noise: Levels, bytes_: Levels, name: str, level: int, higher: int) -> float:
    """Return how much noise a rise removes for each byte."""
    cost = bytes_[name][higher] - bytes_[name][level]
    removed = noise[name][level] - noise[name][higher]
    return removed / cost if cost > 0 else float("inf")
