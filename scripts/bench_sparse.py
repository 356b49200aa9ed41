"""Time a convolution's weight gradient from the kept positions alone against the dense one.

The dense way restores the sampled input, zeros and all, and calls PyTorch's weight gradient. Both
are timed in turn on the layers of the paper's ConvNet, batch 150; ``radexp.ops.conv.SPARSE_BELOW``,
the kept fraction up to which the sparse way is taken, rests on what this prints.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from interleave import interleave

from radexp.ops import conv
from radexp.sketches import Sampling

LAYERS = [(3, 16, 32), (16, 32, 32), (32, 32, 16)]  # channels in and out, width; the last twice
KEEPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


def weight_gradient(layer: tuple[int, int, int], sketch: Sampling, below: float) -> Callable:
    """Return a function that takes one weight gradient, sparse up to the fraction ``below``."""
    channels, outputs, width = layer
    x = torch.randn(150, channels, width, width)
    weight = torch.randn(outputs, channels, 5, 5, requires_grad=True)
    y = conv.sketched_conv2d(x, weight, None, sketch, seed=0, padding=(2, 2))
    g = torch.randn_like(y)

    def call() -> None:
        conv.SPARSE_BELOW = below
        torch.autograd.grad(y, weight, g, retain_graph=True)

    return call


def main() -> None:
    """Print sparse over dense for every layer and kept fraction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds")
    print("sparse / dense    " + "".join(f"{f'keep {keep}':>11}" for keep in KEEPS))
    for shared in (True, False):
        for layer in LAYERS:
            ratios = []
            for keep in KEEPS:
                sketch = Sampling(keep, shared=shared)
                ways = {"sparse": 1.0, "dense": 0.0}
                sides = {way: weight_gradient(layer, sketch, ways[way]) for way in ways}
                times = interleave(sides, arguments.rounds, block_s=0.1)
                pairs = zip(times["sparse"], times["dense"], strict=True)
                ratios.append(statistics.median(a / b for a, b in pairs))
            name = f"{layer[0]}->{layer[1]}, {layer[2]}x{layer[2]}"
            arm = "shared" if shared else "per row"
            print(f"{name:<11}{arm:>7}" + "".join(f"{ratio:>11.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
