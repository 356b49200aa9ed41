"""Networks and sequences that the tests of sketched recurrent modules share."""

import pytest
import torch
from torch import nn

from radexp.config import CLASSIFICATION, load_estimator_config, options_for
from radexp.layers import Estimator, randomize
from radexp.sketches import Exact, Sampling

# A single row is kept whole by rad_rows, so that layers with two directions stay stock.
RANDOM = [
    name
    for name in options_for("estimator", CLASSIFICATION)
    if load_estimator_config(name).free == "keep" and name != "rad_rows"
]
STEPS, ROWS, INPUTS, HIDDEN = 6, 4, 6, 10
each_kind = pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
each_random = pytest.mark.parametrize("name", RANDOM)
each_start = pytest.mark.parametrize("with_start", [True, False], ids=["given start", "zeros"])
# Sums of about 10 products of numbers of order 1, carried through 3 layers of 6 steps.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}


def build(nonlinearity="relu", **settings):
    torch.manual_seed(0)
    return nn.RNN(INPUTS, HIDDEN, nonlinearity=nonlinearity, **settings)


def inputs(net, batched=True, with_start=True, dtype=torch.float64):
    """Return a sequence and the states to start from, or None."""
    torch.manual_seed(1)
    rows = [ROWS] if batched else []
    shape = [*rows, STEPS, INPUTS] if net.batch_first or not batched else [STEPS, ROWS, INPUTS]
    start = (net.num_layers * (2 if net.bidirectional else 1), *rows, HIDDEN)
    return torch.randn(shape, dtype=dtype), torch.randn(start, dtype=dtype) if with_start else None


def sketch_exactly(net):
    """Put the exact sketch in a layer that stays sketched."""
    randomize(net, Estimator(Sampling(0.5)))
    net.sketch = Exact()
    return net
