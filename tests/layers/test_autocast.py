"""Networks of several layers train under autocast, where numbers have several types."""

import pytest
import torch
from torch import nn

from radexp.eager import EagerRNN
from radexp.layers import randomize

NETS = {
    "linear": (
        lambda: nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 8), nn.Linear(8, 5)),
        (6, 12),
    ),
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 3, 3), nn.MaxPool2d(2)
        ),
        (6, 2, 14, 14),
    ),
    "recurrent": (
        lambda: nn.Sequential(nn.Linear(7, 12), EagerRNN(12, 9, nonlinearity="relu")),
        (6, 5, 7),
    ),
}


def gradients(net, x):
    net.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        loss = net(x).float().square().mean()
    loss.backward()
    return [parameter.grad.clone() for parameter in net.parameters()]


@pytest.mark.parametrize("estimator", ["rad", "rad_shared", "rad_project"])
@pytest.mark.parametrize("name", NETS)
def test_gradients_have_the_parameters_type_and_are_right_on_average(name, estimator):
    build, shape = NETS[name]
    torch.manual_seed(0)
    net, x = build(), torch.randn(shape)
    exact = gradients(net, x)
    randomize(net, estimator, keep=0.5)
    draws = [gradients(net, x) for _ in range(300)]
    for number, wanted in enumerate(exact):
        samples = torch.stack([draw[number] for draw in draws])
        assert samples.dtype == torch.float32
        # 6 standard errors, and the 8 bits of bfloat16, in which the exact pass rounds otherwise.
        error = (samples.mean(0) - wanted).abs()
        allowed = 6 * samples.std(0) / 300**0.5 + 0.03 * wanted.abs().max()
        assert (error <= allowed).all()
