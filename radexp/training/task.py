"""What is learned: the loss of a batch, and the exact loss of a whole split."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from radexp.data.dataset import Split

# Small enough for the activations of a batch to be memory that the process has already.
EVALUATION_BATCH = 200


@dataclass(frozen=True)
class Score:
    """Mean loss (nats per example) and fraction of right answers."""

    loss: float
    accuracy: float


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
