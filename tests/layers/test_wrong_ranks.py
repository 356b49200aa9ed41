"""Inputs of a wrong rank are refused in PyTorch's words."""

import pytest
import torch
from torch import nn

from radexp.layers import randomize


@pytest.mark.parametrize(
    ("module", "shape"), [(nn.RNN(4, 3), (4,)), (nn.RNN(4, 3), (2, 2, 2, 4)), (nn.Linear(4, 3), ())]
)
def test_the_message_is_that_of_the_stock_module(module, shape):
    x = torch.zeros(shape)
    with pytest.raises((ValueError, RuntimeError)) as stock:
        module(x)
    randomize(module, "rad", keep=0.5)
    with pytest.raises(type(stock.value)) as ours:
        module(x)
    assert str(ours.value) == str(stock.value)
