"""The evaluation of a split is the plain mean, also over a bootstrap given as counts."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from radexp.data import Split, bootstrap_indices
from radexp.training import classification, classification_loss, evaluate


@pytest.fixture
def split():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(101, 1, 3, 3, generator=generator)
    return Split(inputs, torch.randint(4, (101,), generator=generator))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 8), nn.Dropout(0.5), nn.Linear(8, 4))


def direct(model, split):
    model.eval()
    with torch.no_grad():
        logits = model(split.inputs)
    model.train()
    right = (logits.argmax(1) == split.labels).double().mean()
    return float(F.cross_entropy(logits.double(), split.labels)), float(right)


@pytest.mark.parametrize("chunk", [1, 7, 2000])
def test_score_is_the_direct_mean(model, split, chunk, monkeypatch):
    monkeypatch.setattr(classification, "EVALUATION_BATCH", chunk)
    score = evaluate(model, split)
    loss, right = direct(model, split)
    assert score.loss == pytest.approx(loss, rel=1e-6)
    assert score.accuracy == pytest.approx(right, rel=1e-12)
    assert model.training


def test_counts_are_the_resample_they_stand_for(model, split):
    indices = bootstrap_indices(101, seed=3)
    resample = Split(split.inputs[indices], split.labels[indices])
    counted = evaluate(model, split, torch.bincount(indices, minlength=101))
    assert counted.loss == pytest.approx(evaluate(model, resample).loss, rel=1e-6)
    assert counted.accuracy == pytest.approx(evaluate(model, resample).accuracy, rel=1e-12)
    assert counted.loss != pytest.approx(evaluate(model, split).loss, rel=1e-3)


def test_evaluating_needs_no_gradient_and_keeps_the_mode(model, split):
    model.eval()
    evaluate(model, split)
    assert not model.training
    assert torch.is_grad_enabled()


def test_loss_is_the_mean_cross_entropy_in_nats():
    loss = classification_loss(torch.zeros(3, 10), torch.tensor([0, 1, 2]))
    assert float(loss) == pytest.approx(torch.tensor(10.0).log())
