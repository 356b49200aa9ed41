"""Time training steps of every estimator against stock PyTorch, interleaved in one process.

One step is forward, backward and optimizer update. Each block's ratio is taken against the stock
block of the same round; printed are the median and the quartiles of these ratios. The learning
rate is so small that the batch is never learned by heart: gradients near zero turn subnormal, and
arithmetic on subnormal numbers is many times slower.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from interleave import interleave
from torch.nn import functional as F

from radexp.layers import randomize
from radexp.models.mlp import MLP

# Sizes (hidden, batch) and, per estimator, the most that a step may cost against the stock step.
SIZES = {
    (300, 150): {"rad_shared": 1.05, "rad": 1.3, "rad_project": 1.25},
    (1024, 512): {"rad_shared": 0.85, "rad": 1.1, "rad_project": 0.85},
}


def make_step(estimator: str, hidden: int, batch: int) -> Callable[[], None]:
    """Return a function that takes one optimizer step of the paper's MLP at keep 0.1."""
    torch.manual_seed(0)
    model = MLP(784, [hidden] * 3, 10)
    settings = {} if estimator == "exact" else {"keep": 0.1}
    randomize(model, estimator, **settings)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-9, weight_decay=1e-6, foreach=True)
    x, y = torch.randn(batch, 784), torch.randint(10, (batch,))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--block-seconds", type=float, default=0.2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds")
    for (hidden, batch), targets in SIZES.items():
        steps = {name: make_step(name, hidden, batch) for name in ("exact", *targets)}
        seconds = interleave(steps, arguments.rounds, arguments.block_seconds)
        print(f"\nMLP 784-{hidden}-{hidden}-{hidden}-10, batch {batch}, keep 0.1")
        print(f"{'estimator':<14}{'ms/step':>9}{'ratio':>8}{'quartiles':>16}{'target':>8}")
        for name, times in seconds.items():
            ratios = [a / b for a, b in zip(times, seconds["exact"], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            target = f"{targets[name]:.2f}" if name in targets else "stock"
            print(
                f"{name:<14}{1e3 * statistics.median(times):>9.3f}{middle:>8.3f}"
                f"{f'{low:.3f}-{high:.3f}':>16}{target:>8}"
            )


if __name__ == "__main__":
    main()
