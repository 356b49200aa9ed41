"""Time training steps of every estimator against stock PyTorch, interleaved in one process.

One step is forward, backward and optimizer update, at keep 0.1. Each block's ratio is taken
against the stock block of the same round; printed are the median and the quartiles of these
ratios. The learning rate is so small that the batch is never learned by heart: gradients near zero
turn subnormal, and arithmetic on subnormal numbers is many times slower.

Stock is, for the recurrent network, the eager loop of ``radexp.eager``; ``nn.RNN`` itself, which is
slower on a CPU, is timed beside it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from interleave import interleave
from torch import Tensor, nn
from torch.nn import functional as F

from radexp.config import ModelConfig
from radexp.layers import randomize
from radexp.models import build_model


@dataclass(frozen=True)
class Problem:
    """A network, its batch, and the most that a step may cost against the stock step."""

    title: str
    model: ModelConfig
    input_shape: tuple[int, ...]
    batch: int
    targets: dict[str, float] = field(default_factory=dict)


def mlp(hidden: int, batch: int, targets: dict[str, float]) -> Problem:
    """Return the fully connected network with three hidden layers."""
    title = f"mlp 784-{hidden}-{hidden}-{hidden}-10"
    return Problem(title, ModelConfig("mlp", [hidden] * 3), (1, 28, 28), batch, targets)


PROBLEMS = {
    "mlp": mlp(300, 150, {"rad_shared": 1.05, "rad": 1.3, "rad_project": 1.25}),
    "wide": mlp(1024, 512, {"rad_shared": 0.85, "rad": 1.1, "rad_project": 0.85}),
    "cnn": Problem(
        "cnn 16-32-32-32 on 32x32",
        ModelConfig("cnn", channels=[16, 32, 32, 32]),
        (3, 32, 32),
        150,
        {"rad_shared": 1.0, "rad": 1.0, "rad_project": float("nan")},
    ),
    "rnn": Problem(
        "rnn 100, 784 steps",
        ModelConfig("rnn", [100]),
        (784, 1),
        150,
        {"rad_shared": 1.0, "rad": 1.1, "rad_project": float("nan"), "nn.RNN": float("nan")},
    ),
}


class StockRNN(nn.Module):
    """The recurrent network over ``nn.RNN``."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.recurrent = nn.RNN(1, hidden, nonlinearity="relu", batch_first=True)
        self.output = nn.Linear(hidden, 10)

    def forward(self, x_NTI: Tensor) -> Tensor:
        """Return the classes' scores."""
        return self.output(self.recurrent(x_NTI)[1][0])  # type: ignore[no-any-return]


def make_step(problem: Problem, arm: str) -> Callable[[], None]:
    """Return a function that takes one optimizer step at keep 0.1."""
    torch.manual_seed(0)
    if arm == "nn.RNN":
        model: nn.Module = StockRNN(problem.model.hidden[0])
    else:
        model = build_model(problem.model, problem.input_shape, 10)
        randomize(model, arm, **({} if arm == "exact" else {"keep": 0.1}))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-9, weight_decay=1e-6, foreach=True)
    x = torch.randn(problem.batch, *problem.input_shape)
    y = torch.randint(10, (problem.batch,))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def main() -> None:
    """Print one table per problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", help=f"of {', '.join(PROBLEMS)}; default all")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--block-seconds", type=float, default=0.2)
    arguments = parser.parse_args()
    if unknown := set(arguments.problems) - set(PROBLEMS):
        parser.error(f"{', '.join(sorted(unknown))}: allowed is {', '.join(PROBLEMS)}")
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds")
    for name in arguments.problems or PROBLEMS:
        problem = PROBLEMS[name]
        steps = {arm: make_step(problem, arm) for arm in ("exact", *problem.targets)}
        seconds = interleave(steps, arguments.rounds, arguments.block_seconds)
        print(f"\n{problem.title}, batch {problem.batch}, keep 0.1")
        print(f"{'arm':<14}{'ms/step':>9}{'ratio':>8}{'quartiles':>16}{'target':>8}")
        for arm, times in seconds.items():
            ratios = [a / b for a, b in zip(times, seconds["exact"], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            wanted = problem.targets.get(arm, float("nan"))
            target = "stock" if arm == "exact" else f"{wanted:.2f}".replace("nan", "-")
            print(
                f"{arm:<14}{1e3 * statistics.median(times):>9.3f}{middle:>8.3f}"
                f"{f'{low:.3f}-{high:.3f}':>16}{target:>8}"
            )


if __name__ == "__main__":
    main()
