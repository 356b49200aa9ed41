"""The peak of a whole step, derived by hand for a net of one layer.

Shapes: N = 100 rows, D = 16 features, O = 4 outputs, float32, no bias, so W is 256 bytes,
the batch N D 6400 and one matrix N O 1600.
"""

import pytest
import torch
from torch import nn

from radexp.memory import SavedBytesMeter, StepPeak

NAMES = ("parameters", "gradients", "optimizer", "batch", "saved", "workspace", "total")


def peak_of(forward, momentum=0.0, steps=1):
    model, x_ND = nn.Linear(16, 4, bias=False), torch.ones(100, 16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        meter = SavedBytesMeter(model.parameters())
        with StepPeak(model, optimizer, [x_ND], meter) as peak, meter:
            forward(model, x_ND).backward()
            optimizer.step()
    return tuple(peak.peak_bytes[name] for name in NAMES)


@pytest.mark.parametrize(
    ("forward", "momentum", "steps", "expected"),
    [
        # In the forward pass, at the sum: the N O outputs and the loss. What the layer saves, the
        # batch itself, counts as batch; later there are only W's gradient and two scalars.
        (lambda model, x: model(x).sum(), 0.0, 1, (256, 0, 0, 6400, 0, 1600 + 4, 8260)),
        # In the backward pass of exp: its saved result, the gradient of its input, two scalars.
        (lambda model, x: model(x).exp().sum(), 0.0, 1, (256, 0, 0, 6400, 1600, 1608, 9864)),
        # With momentum, from the second step on, the optimizer holds W's momentum throughout.
        (lambda model, x: model(x).exp().sum(), 0.9, 2, (256, 0, 256, 6400, 1600, 1608, 10120)),
        # A loss of almost nothing: W's gradient, assigned, and its momentum about to be made.
        (lambda model, x: model(x[:1].clone()).sum(), 0.9, 1, (256, 256, 0, 6400, 0, 256, 7168)),
    ],
)
def test_categories_are_those_derived_by_hand(forward, momentum, steps, expected):
    assert peak_of(forward, momentum, steps) == expected


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("hidden", [1, 50])
def test_total_is_the_sum_and_no_less_than_what_is_held(optimizer, hidden):
    model = nn.Sequential(nn.Linear(6, hidden), nn.Tanh(), nn.LayerNorm(hidden))
    x, update = torch.randn(30, 6), optimizer(model.parameters(), lr=0.1)
    for _ in range(2):
        update.zero_grad(set_to_none=True)
        meter = SavedBytesMeter(model.parameters())
        with StepPeak(model, update, [x], meter) as peak, meter:
            model(x).square().mean().backward()
            update.step()
        bytes_by_name = dict(peak.peak_bytes)
        assert set(bytes_by_name) == set(NAMES)
        assert min(bytes_by_name.values()) >= 0
        total = bytes_by_name.pop("total")
        assert total == sum(bytes_by_name.values())
        assert total >= meter.peak_bytes + sum(4 * p.numel() for p in model.parameters())


def test_a_gradient_that_is_there_before_the_step_counts():
    model, x = nn.Linear(16, 4, bias=False), torch.ones(100, 16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(x).sum().backward()
    with StepPeak(model, optimizer, [x], SavedBytesMeter()) as peak:
        pass
    assert tuple(peak.peak_bytes[name] for name in NAMES) == (256, 256, 0, 6400, 0, 0, 6912)
