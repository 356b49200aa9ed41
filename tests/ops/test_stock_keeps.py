"""What stock PyTorch keeps for its backward passes: a release that changes it is noticed."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from radexp.memory.meter import SavedBytesMeter

N, C, SIDE = 6, 5, 8
IMAGES, OUTPUTS = N * C * SIDE**2, N * C * (SIDE // 2) ** 2
CASES = {
    "flatten": (nn.Flatten(), 0),
    "relu: its output": (F.relu, 4 * IMAGES),
    "avg_pool2d: its input": (nn.AvgPool2d(2), 4 * IMAGES),
    "max_pool2d: input and int64 indices": (nn.MaxPool2d(2), 4 * IMAGES + 8 * OUTPUTS),
    "dropout: a mask of numbers": (nn.Dropout(0.5), 4 * IMAGES),
}


def held_bytes(op, x):
    with SavedBytesMeter() as meter:
        y = op(x)
    assert y.grad_fn is not None
    return meter.held_bytes


@pytest.mark.parametrize(("op", "kept"), CASES.values(), ids=CASES)
def test_layers(op, kept):
    assert held_bytes(op, torch.randn(N, C, SIDE, SIDE, requires_grad=True)) == kept


def test_cross_entropy_keeps_log_probabilities_labels_and_the_weight():
    x, labels = torch.randn(N, C, requires_grad=True), torch.randint(C, (N,))
    assert held_bytes(lambda x: F.cross_entropy(x, labels), x) == 4 * N * C + 8 * N + 4


def test_log_softmax_keeps_its_output():
    assert (
        held_bytes(lambda x: F.log_softmax(x, 1), torch.randn(N, C).requires_grad_()) == 4 * N * C
    )
