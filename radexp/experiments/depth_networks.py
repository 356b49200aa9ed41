"""The variance of networks' gradients against depth: inject everywhere, or sketch inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from radexp.graph import inject
from radexp.ops.linear import sketched_linear
from radexp.seeding import derive_seed, generator
from radexp.sketches import Exact, Projection, Sampling, Sketch, num_kept

NUM_EXAMPLES = 16
ARMS = ("inputs", "everywhere")
SKETCHES = ("rad", "rad_shared", "rad_project")


class DeepNetwork:
    """A ReLU network of equal layers with He's initialization, its examples and a linear loss.

    ``h_l = relu(W_l h_{l-1})`` for l = 1 to L with entries of W_l normal of variance 2 / H, and the
    loss ``sum_n <r_n, h_L(n)>`` with normal r_n. Float32.

    Args:
        depth: Layers L.
        width: H, of the examples too.
        seed: Of weights, examples and loss.
        common_loss: Whether the loss has one r for all examples, so that their gradients agree.
    """

    def __init__(self, depth: int, width: int, seed: int, common_loss: bool = False) -> None:
        draws = generator(derive_seed(seed, "network", depth))
        self.x_NH = torch.randn(NUM_EXAMPLES, width, generator=draws)
        self.r_NH = torch.randn(NUM_EXAMPLES, width, generator=draws)
        if common_loss:
            self.r_NH = self.r_NH[:1].expand(NUM_EXAMPLES, width)
        scale = (2 / width) ** 0.5
        self.weights = [
            (torch.randn(width, width, generator=draws) * scale).requires_grad_()
            for _ in range(depth)
        ]

    def gradient(self, sketch: Sketch, everywhere: bool, seed: int) -> list[Tensor]:
        """Return the gradient of all weights.

        Args:
            sketch: Of every layer's input x, from which ``dW = g^T xhat`` is made.
            everywhere: Whether it is also injected behind every Jacobian ``dh_{l+1} / dh_l``.
            seed: Of the draws, from which each place's own seed is derived.
        """
        h_NH = self.x_NH
        for layer, weight in enumerate(self.weights):
            if everywhere and layer > 0:
                h_NH = inject(h_NH, sketch, derive_seed(seed, "jacobian", layer))
            own = derive_seed(seed, "input", layer)
            h_NH = torch.relu(sketched_linear(h_NH, weight, None, sketch, own))
        return list(torch.autograd.grad((h_NH * self.r_NH).sum(), self.weights))

    def relative_variance(self, sketch: Sketch, everywhere: bool, draws: int, seed: int) -> float:
        """Return the mean of ``|estimate - gradient|^2 / |gradient|^2`` over draws."""
        exact = self.gradient(Exact(), False, 0)
        total = 0.0
        for draw in range(draws):
            estimate = self.gradient(sketch, everywhere, derive_seed(seed, draw))
            total += _squared_distance(estimate, exact)
        return total / draws / _squared_distance(exact, [torch.zeros(()) for _ in exact])


def _squared_distance(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    parts = zip(left, right, strict=True)
    return float(sum((a.double() - b.double()).square().sum() for a, b in parts))


def network_rows(
    width: int,
    depths: Sequence[int],
    fractions: Sequence[float],
    seeds: Sequence[int],
    draws: int,
    common_loss: bool = False,
) -> Iterator[dict[str, Any]]:
    """Measure every arm and sketch at every depth and fraction.

    Args:
        width: Of all layers.
        depths: Numbers of layers.
        fractions: Kept fractions.
        seeds: Networks.
        draws: Gradient estimates behind one number.
        common_loss: As for ``DeepNetwork``; the rows' study is then another one.

    Yields:
        Rows with the columns that ``radexp.analysis.depth_claims`` reads.

    Example:
        >>> [row["sketch"] for row in network_rows(8, [2], [0.5], seeds=[0], draws=2)]
        ['rad', 'rad_shared', 'rad_project', 'rad', 'rad_shared', 'rad_project']
    """
    study = "networks, common loss" if common_loss else "networks"
    for seed, depth in product(seeds, depths):
        network = DeepNetwork(depth, width, seed, common_loss)
        for arm, name, fraction in product(ARMS, SKETCHES, fractions):
            sketch, kept = _sketch(name, fraction), num_kept(fraction, width)
            own = derive_seed(seed, arm, name, depth, kept)
            variance = network.relative_variance(sketch, arm == "everywhere", draws, own)
            yield {
                **{"study": study, "arm": arm, "sketch": name, "width": width},
                **{"kept": kept, "depth": depth, "seed": seed, "draws": draws},
                "variance": variance,
            }


def _sketch(name: str, fraction: float) -> Sketch:
    """Return the sketch of the estimator of that name, as in configs/estimator."""
    if name == "rad_project":
        return Projection(fraction)
    return Sampling(fraction, shared=name == "rad_shared")
