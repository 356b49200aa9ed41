"""Networks and estimators that the tests of the bridge share."""

import pytest
import torch
from torch import nn

from radexp.config import CLASSIFICATION, load_estimator_config, options_for

RANDOM = [
    name
    for name in options_for("estimator", CLASSIFICATION)
    if load_estimator_config(name).sketch != "exact"
]
each_random = pytest.mark.parametrize("name", RANDOM)


def linears(*between):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(13, 9), *between, nn.Linear(9, 9))


def gradients(model):
    x = torch.linspace(-1, 1, 52).view(4, 13)
    return torch.autograd.grad(model(x).square().sum(), list(model.parameters()))
