"""How much noise each layer's gradient has at each number of bits, measured on one batch."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

from radexp.layers import Estimator, SketchedLayer, randomize
from radexp.sketches import Rounding

# Noise falls by about the same factor for each further bit: in between it is interpolated.
MEASURED_BITS = (1, 2, 4)


def layer_noise(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], most_bits: int, seed: int
) -> dict[str, list[float]]:
    """Measure the squared distance of each layer's weight gradient to the exact one.

    The sketch of a layer's input changes that layer's gradient alone, so one step with all layers
    at the same number of bits tells it for each of them. (A rounded derivative of a nonlinearity
    changes the gradients before it, too, and is counted where it shows.) The logarithm of the noise
    is measured at 1, 2 and 4 bits and taken to be linear in between and beyond.

    Args:
        model: The network; it is left exact.
        loss: Returns the loss of always the same batch.
        most_bits: The most bits that are asked for.
        seed: Of the sketches' draws.

    Returns:
        The noise at 1, 2, ... bits, by the layer's name.
    """
    randomize(model, "exact")
    exact = _gradients(model, loss)
    measured: dict[str, list[float]] = {}
    for bits in MEASURED_BITS:
        randomize(model, Estimator(Rounding(bits)), seed=seed)
        sketched = [n for n, layer in model.named_modules() if isinstance(layer, SketchedLayer)]
        found = _gradients(model, loss)
        for name in sketched:
            own = [key for key in exact if key.rpartition(".")[0] == name]
            if not own:  # a nonlinearity, whose noise is in the gradients of other layers
                continue
            noise = sum(float((found[key] - exact[key]).double().square().sum()) for key in own)
            measured.setdefault(name, []).append(noise)
    randomize(model, "exact")
    return {name: _extended(noise, most_bits) for name, noise in measured.items()}


def _gradients(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> dict[str, Tensor]:
    model.zero_grad(set_to_none=True)
    loss(model).backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def _extended(noise: list[float], most_bits: int) -> list[float]:
    """Return the noise at 1 to ``most_bits`` bits from that at ``MEASURED_BITS``."""
    logarithms = [math.log(max(value, math.ulp(0.0))) for value in noise]
    result = []
    for bits in range(1, most_bits + 1):
        upper = next((i for i, b in enumerate(MEASURED_BITS) if b >= bits), len(noise) - 1)
        upper = max(1, upper)
        low, high = MEASURED_BITS[upper - 1 : upper + 1]
        slope = min(0.0, (logarithms[upper] - logarithms[upper - 1]) / (high - low))
        result.append(math.exp(logarithms[upper] + slope * (bits - high)))
    return result
