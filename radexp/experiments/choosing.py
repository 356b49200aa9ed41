"""What each layer keeps under ``estimator=auto``: rounded bits or sampled places, and how many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from radexp.config import EstimatorConfig
from radexp.config.estimator import KEEP_STEPS, MOST_BITS
from radexp.experiments.sensitivity import LayerNoise
from radexp.memory import solve_largest
from radexp.memory.allocation import Cost, allocate

# Of 2,048 entries of float32, from two scales alone to as many bytes as 8 bits of each take.
KEEPS = [round(KEEP_STEPS * 2 ** (-quarters / 4)) / KEEP_STEPS for quarters in range(8, 41)]

# Beyond them rounding to 8 bits has less noise, and that of importance is not known.
MOST_COUNT = round(max(KEEPS) * KEEP_STEPS)

Setting = tuple[str, float]


def choose_settings(
    estimator: EstimatorConfig,
    noise: Mapping[str, LayerNoise],
    by_layer: Callable[[EstimatorConfig], dict[str, int]],
    room: int,
) -> EstimatorConfig:
    """Settle bits or a kept fraction for each layer, so that the gradient has least noise.

    Candidates of each layer are ``rounding`` at all bits and ``importance`` at ``KEEPS``; what is
    left in the end raises all kept fractions alike. The result is compared with ``importance`` of
    all layers at the largest fraction that fits, and ``allocate`` compares it with as many bits
    for all of them: so it is expected to be no worse than any one setting.

    Args:
        estimator: To be settled.
        noise: Of each layer, by its name.
        by_layer: Predicts what autograd will hold.
        room: Bytes for all that it holds.

    Returns:
        The estimator with ``layer_bits`` and ``layer_keep``: what takes fewest bytes if there is
        no room for it.
    """

    def all_at(setting: Setting) -> EstimatorConfig:
        return _settled(estimator, dict.fromkeys(noise, setting))

    def fits(candidate: EstimatorConfig) -> bool:
        return sum(by_layer(candidate).values()) <= room

    def all_sampled(count: int) -> EstimatorConfig:
        return all_at(("layer_keep", count / KEEP_STEPS))

    costs: dict[str, dict[Setting, Cost]] = {name: {} for name in noise}
    others = 0
    bits = [("layer_bits", value) for value in range(1, MOST_BITS + 1)]
    for setting in [*bits, *(("layer_keep", keep) for keep in KEEPS)]:
        table = by_layer(all_at(setting))
        others = sum(count for name, count in table.items() if name not in noise)
        for name, of_layer in noise.items():
            costs[name][setting] = Cost(table[name], of_layer.at(*setting))
    chosen = _grown(_settled(estimator, allocate(costs, room - others)), fits)
    largest = solve_largest(1, MOST_COUNT, lambda count: fits(all_sampled(count)))
    alike = [] if largest is None else [all_sampled(largest)]
    return min([chosen, *alike], key=lambda one: _expected(noise, one))


def _expected(noise: Mapping[str, LayerNoise], settled: EstimatorConfig) -> float:
    """Return the noise of all layers' gradients together."""
    rounded = sum(noise[name].at("layer_bits", bits) for name, bits in settled.layer_bits.items())
    sampled = sum(noise[name].at("layer_keep", keep) for name, keep in settled.layer_keep.items())
    return rounded + sampled


def _settled(estimator: EstimatorConfig, chosen: Mapping[str, Setting]) -> EstimatorConfig:
    """Return the estimator with a setting for each layer."""
    bits = {n: int(value) for n, (number, value) in chosen.items() if number == "layer_bits"}
    keeps = {n: value for n, (number, value) in chosen.items() if number == "layer_keep"}
    return replace(estimator, layer_bits=bits, layer_keep=keeps)


def _grown(estimator: EstimatorConfig, fits: Callable[[EstimatorConfig], bool]) -> EstimatorConfig:
    """Return the estimator with kept fractions as much larger as fits, in thousandths."""

    def grown(thousandths: int) -> EstimatorConfig:
        keeps = {}
        for name, keep in estimator.layer_keep.items():
            count = round(keep * (1 + thousandths / 1000) * KEEP_STEPS)
            keeps[name] = min(count, MOST_COUNT) / KEEP_STEPS
        return replace(estimator, layer_keep=keeps)

    if not estimator.layer_keep:
        return estimator
    return grown(solve_largest(0, 1000, lambda count: fits(grown(count))) or 0)
