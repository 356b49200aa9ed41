"""Time the whole training loop against bare steps: data, rows and checkpoints in, evaluation out.

The bare side takes the optimizer steps of stock PyTorch on one fixed batch of MNIST's shape. The
loop side is ``radexp.training.Trainer`` drawing from 60,000 examples, writing metrics.csv every 50
iterations and a checkpoint every 1,000, its speed in steps per second counted in blocks of 100.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from interleave import interleave
from torch.nn import functional as F

from radexp.config import TrainingConfig
from radexp.data import Dataset, IndexStream, Split
from radexp.models.mlp import mlp
from radexp.training import Classification, MetricsFile, Row, Trainer, save_checkpoint

BATCH, BLOCK, TARGET = 150, 100, 0.85


class Recorder:
    """Writes what a real run writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = MetricsFile(folder / "metrics.csv")

    def on_row(self, row: Row) -> None:
        """Append the row."""
        self.metrics.append(row)

    def on_checkpoint(self, state: dict[str, Any]) -> None:
        """Write the checkpoint."""
        self.metrics.commit()
        save_checkpoint(self.folder / "checkpoint.pt", state)

    def should_stop(self) -> bool:
        """Never stop."""
        return False


def make_model() -> tuple[torch.nn.Sequential, torch.optim.Optimizer]:
    """Return the paper's MLP and its optimizer."""
    torch.manual_seed(0)
    model = mlp(784, [300] * 3, 10)
    # A tiny step keeps the batch from being learned by heart, see bench_step.py.
    return model, torch.optim.Adam(model.parameters(), lr=1e-9, weight_decay=1e-6, foreach=True)


def make_trainer() -> Trainer:
    """Return a trainer on random data of MNIST's size; only ten examples are ever evaluated."""
    model, optimizer = make_model()
    train = Split(torch.randn(60_000, 1, 28, 28), torch.randint(10, (60_000,)))
    test = Split(train.inputs[:10].clone(), train.labels[:10].clone())
    return Trainer(
        model=model,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.StepLR(optimizer, 2000, 0.6),
        task=Classification(
            Dataset("random", train, test, num_classes=10),
            IndexStream(60_000, BATCH, seed=0),
            counts=(torch.arange(60_000) < 10).long(),
        ),
        config=TrainingConfig(iterations=BLOCK, evaluate_every=10**9, checkpoint_every=1000),
    )


def main() -> None:
    """Print the loop's speed as a fraction of the bare step's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model, optimizer = make_model()
    x, y = torch.randn(BATCH, 784), torch.randint(10, (BATCH,))

    def bare() -> None:
        for _ in range(BLOCK):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    trainer = make_trainer()
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder))

        def loop() -> None:
            trainer.train(recorder)
            trainer.config.iterations += BLOCK

        seconds = interleave({"bare": bare, "loop": loop}, arguments.rounds, block_s=0.2)
    ratios = [a / b for a, b in zip(seconds["bare"], seconds["loop"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"\ntraining loop, stock MLP, batch {BATCH}, {arguments.threads} threads")
    for name, times in seconds.items():
        print(f"{name:<6}{1e3 * statistics.median(times) / BLOCK:>9.3f} ms/step")
    print(
        f"loop speed / bare speed: {middle:.3f} (quartiles {low:.3f}-{high:.3f}, target {TARGET})"
    )


if __name__ == "__main__":
    main()
