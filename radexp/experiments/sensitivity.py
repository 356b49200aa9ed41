"""How much noise each layer's gradient has, whatever the layer keeps, measured on one batch."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from torch import Tensor, nn

from radexp.config.estimator import MOST_BITS
from radexp.layers import Estimator, SketchedLayer, randomize
from radexp.layers.estimator import DEFAULT_BITS
from radexp.sketches import Importance, Rounding, Sketch

# The noise of importance falls as a power of what is kept, which changes slowly: in between it is
# interpolated. That of rounding is measured at all bits: pixels, say, have none at 8.
MEASURED_KEEPS = (1 / 256, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)
# The noise of one draw is itself random; this many are averaged.
DRAWS = 2


class LayerNoise(NamedTuple):
    """The squared distance of a layer's gradient to the exact one.

    Attributes:
        of_bits: With its input rounded to 1, 2, ... bits.
        of_keeps: With its input sampled by ``importance``, at ``MEASURED_KEEPS``.
    """

    of_bits: Sequence[float]
    of_keeps: Sequence[float]

    def at(self, number: str, value: float) -> float:
        """Return the noise at any setting; it never rises.

        Its logarithm is taken to be linear in that of the kept fraction.

        Args:
            number: ``layer_bits`` or ``layer_keep``.
            value: Bits of an entry, or the kept fraction.
        """
        if number == "layer_bits":
            return min(self.of_bits[: int(value)])
        points = [math.log(keep) for keep in MEASURED_KEEPS]
        known = [math.log(max(one, math.ulp(0.0))) for one in accumulate(self.of_keeps, min)]
        upper = max(1, min(bisect_left(points, math.log(value)), len(points) - 1))
        slope = (known[upper] - known[upper - 1]) / (points[upper] - points[upper - 1])
        return math.exp(known[upper] + slope * (math.log(value) - points[upper]))


def layer_noise(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], seed: int
) -> dict[str, LayerNoise]:
    """Measure the squared distance of each layer's weight gradient to the exact one.

    The sketch of a layer's input changes that layer's gradient alone, so one step with all layers
    alike tells it for each of them. (A rounded derivative of a nonlinearity changes the gradients
    before it, too, and is counted where it shows.)

    Args:
        model: The network; it is left exact.
        loss: Returns the loss of always the same batch.
        seed: Of the sketches' draws.

    Returns:
        The noise of each layer that keeps a sketch of its input, by the layer's name.
    """
    randomize(model, "exact")
    exact = _gradients(model, loss)
    randomize(model, Estimator(Rounding(DEFAULT_BITS)))
    sketched = [n for n, layer in model.named_modules() if isinstance(layer, SketchedLayer)]
    # Not of a nonlinearity, whose noise is in the gradients of other layers.
    own = {name: [key for key in exact if key.rpartition(".")[0] == name] for name in sketched}
    own = {name: keys for name, keys in own.items() if keys}

    def measured(sketches: Iterable[Sketch]) -> list[dict[str, float]]:
        result = []
        for sketch in sketches:
            estimator = Estimator(Rounding(DEFAULT_BITS), of_layers=dict.fromkeys(own, sketch))
            randomize(model, estimator, seed=seed)
            noise = dict.fromkeys(own, 0.0)
            for _ in range(DRAWS):
                found = _gradients(model, loss)
                for name, keys in own.items():
                    squares = ((found[k] - exact[k]).double().square().sum() for k in keys)
                    noise[name] += float(sum(squares)) / DRAWS
            result.append(noise)
        return result

    of_bits = measured(map(Rounding, range(1, MOST_BITS + 1)))
    of_keeps = measured(map(Importance, MEASURED_KEEPS))
    randomize(model, "exact")
    return {
        name: LayerNoise([one[name] for one in of_bits], [one[name] for one in of_keeps])
        for name in own
    }


def _gradients(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> dict[str, Tensor]:
    model.zero_grad(set_to_none=True)
    loss(model).backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found
