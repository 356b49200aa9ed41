"""Classification: the loss of a batch, and the exact loss of a whole split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from radexp.data.dataset import Dataset, Split
from radexp.data.streams import IndexStream
from radexp.training.task import Batch, Score

# Small enough for the activations of a batch to be memory that the process has already.
EVALUATION_BATCH = 200


def classification_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats: PyTorch's own, it keeps 10 floats per example."""
    return F.cross_entropy(logits, labels)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the fraction of examples whose largest logit is the right one."""
    return float((logits.argmax(1) == labels).double().mean())


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, counts: Tensor | None = None) -> Score:
    """Return the exact loss and accuracy of a split, summed in float64.

    Args:
        model: The network; evaluated in ``eval`` mode and put back.
        split: Inputs (N, ...) and labels (N,).
        counts: How often each example counts, (N,); a bootstrap's multiplicities. Examples that
            count zero times are not computed. None: once each.
    """
    wanted = torch.arange(len(split.labels)) if counts is None else counts.nonzero().flatten()
    weights = torch.ones(len(wanted)) if counts is None else counts[wanted]
    device = split.labels.device
    loss = torch.zeros((), dtype=torch.float64, device=device)
    right = torch.zeros_like(loss)
    was_training = model.training
    model.eval()
    for chunk, weight in zip(
        wanted.to(device).split(EVALUATION_BATCH),
        weights.to(device).double().split(EVALUATION_BATCH),
        strict=True,
    ):
        logits, labels = model(split.inputs[chunk]), split.labels[chunk]
        loss += F.cross_entropy(logits, labels, reduction="none").double() @ weight
        right += (logits.argmax(1) == labels).double() @ weight
    model.train(was_training)
    total = float(weights.sum())
    return Score(float(loss) / total, float(right) / total)


@dataclass
class Classification:
    """Tell the classes of a data set apart.

    Attributes:
        dataset: Train and test splits, on the network's device.
        stream: Indices of the batches.
        counts: How often each training example counts, or None for once.
        held_out: 1 for the training examples that are held out for validation, 0 for those that
            are not, or None: nothing is held out.
        micro_batch: Examples of a batch that are differentiated at a time; None for all of them.
    """

    dataset: Dataset
    stream: IndexStream
    counts: Tensor | None = None
    held_out: Tensor | None = None
    micro_batch: int | None = None
    step_name = "batch"

    @property
    def splits(self) -> Mapping[str, str]:
        """The training set, and the test set or what is held out in its stead."""
        if self.held_out is not None:
            return {"train": "training set", "validation": "validation set"}
        return {"train": "training set", "test": "test set"}

    def next_batch(self) -> Batch:
        """Draw inputs and labels; indexing copies, so that no view holds the whole training set."""
        split = self.dataset.train
        indices = self.stream.next_batch().to(split.labels.device)
        return split.inputs.index_select(0, indices), split.labels.index_select(0, indices)

    def whole(self) -> Iterator[tuple[float, Batch]]:
        """Yield the training set, or its bootstrap, example by example as often as it counts."""
        split = self.dataset.train
        chosen = torch.arange(len(split.labels))
        if self.counts is not None:
            chosen = chosen.repeat_interleave(self.counts)
        for chunk in chosen.to(split.labels.device).split(EVALUATION_BATCH):
            batch = split.inputs.index_select(0, chunk), split.labels.index_select(0, chunk)
            yield len(chunk) / len(chosen), batch

    def num_examples(self, batch: Batch) -> int:
        """Return the size of the batch."""
        return len(batch[1])

    def parts(self, batch: Batch) -> Iterator[tuple[float, Batch]]:
        """Yield the batch in parts of ``micro_batch`` examples, the last one of those left.

        The mean over B examples is the sum over parts of (b / B) times the mean over the part's b.
        A part is a copy, as a view would hold the storage of the whole batch.
        """
        whole = self.num_examples(batch)
        size = self.micro_batch or whole
        if size >= whole:
            yield 1.0, batch
            return
        for part in zip(*(tensor.split(size) for tensor in batch), strict=True):
            yield len(part[0]) / whole, [tensor.clone() for tensor in part]

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the mean cross-entropy and the logits."""
        x, y = batch
        logits = model(x)
        return classification_loss(logits, y), logits

    def score(self, loss: Tensor, outputs: Sequence[Tensor], batch: Batch) -> Score:
        """Return loss and accuracy of a batch."""
        return Score(float(loss), accuracy(torch.cat(list(outputs)), batch[1]))

    def evaluate(self, model: nn.Module, split: str) -> Score:
        """Return the exact score of a split: of the bootstrap, if ``counts`` are one's."""
        if split == "train":
            return evaluate(model, self.dataset.train, self.counts)
        if split == "validation":
            return evaluate(model, self.dataset.train, self.held_out)
        return evaluate(model, self.dataset.test)

    def state_dict(self) -> dict[str, Any]:
        """Return where the stream is."""
        return self.stream.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the stream was."""
        self.stream.load_state_dict(state)
