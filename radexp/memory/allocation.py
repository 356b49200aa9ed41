"""Which layer keeps what: the least noise for so many bytes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np

Setting = TypeVar("Setting", bound=Hashable)

# Parts of the room that is shared out, at most; less than one of them is wasted for each layer.
MOST_PARTS = 10_000


class Cost(NamedTuple):
    """What one setting of a layer costs: the bytes that it keeps, and the noise of its gradient."""

    saved_bytes: int
    noise: float


def allocate(costs: Mapping[str, Mapping[Setting, Cost]], room: int) -> dict[str, Setting]:
    """Choose a setting for each layer so that all noise together is least and the bytes fit.

    What is left of the room once each layer has its fewest bytes is shared out in equal parts, by
    dynamic programming: of some layers with some parts, the least noise is that of all but the
    last, with what the last leaves them, and its own. Where there are more bytes than parts they
    are rounded up, so the result is compared with every setting that all layers can have alike.

    Args:
        costs: Of each layer at each of its settings.
        room: Bytes for all layers together.

    Returns:
        The setting of each layer; the one of fewest bytes of all if not even those fit.

    Example:
        >>> wide = {1: Cost(10, 4.0), 2: Cost(20, 1.0), 3: Cost(30, 0.25)}
        >>> deep = {1: Cost(1, 8.0), 2: Cost(2, 2.0), 3: Cost(3, 0.5)}
        >>> allocate({"wide": wide, "deep": deep}, room=23)
        {'wide': 2, 'deep': 3}
    """
    least = {name: min(of_layer.values()).saved_bytes for name, of_layer in costs.items()}
    left = max(0, room - sum(least.values()))
    most = min(left, MOST_PARTS)

    def parts(name: str, setting: Setting) -> int:
        more = costs[name][setting].saved_bytes - least[name]
        return min(-(-more * most // left) if left else more, most + 1)

    noise = np.zeros(most + 1)
    picked = {}
    for name, of_layer in costs.items():
        ways = np.full((len(of_layer), most + 1), np.inf)
        for way, (setting, cost) in zip(ways, of_layer.items(), strict=True):
            spent = parts(name, setting)
            way[spent:] = noise[: most + 1 - spent] + cost.noise
        noise, picked[name] = ways.min(0), ways.argmin(0)
    chosen: dict[str, Setting] = {}
    at = most
    for name in reversed(picked):
        chosen[name] = list(costs[name])[picked[name][at]]
        at -= parts(name, chosen[name])
    chosen = {name: chosen[name] for name in costs}
    first: Mapping[Setting, Cost] = next(iter(costs.values()), {})
    shared = [s for s in first if all(s in of_layer for of_layer in costs.values())]
    alike = [dict.fromkeys(costs, setting) for setting in shared]
    fitting = [one for one in alike if _total(costs, one).saved_bytes <= room]
    return min([chosen, *fitting], key=lambda one: _total(costs, one).noise)


def _total(costs: Mapping[str, Mapping[Setting, Cost]], chosen: Mapping[str, Setting]) -> Cost:
    of_layers = [costs[name][setting] for name, setting in chosen.items()]
    return Cost(sum(one.saved_bytes for one in of_layers), sum(one.noise for one in of_layers))
