"""The ledger splits what the meter counts by layer, to the byte."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from radexp.layers import randomize
from radexp.memory import LayerLedger, SavedBytesMeter
from radexp.memory.predict import predict_by_layer, predict_saved_bytes


def booked(model, x, loss=lambda y: y.exp().sum(), also=()):
    meter = SavedBytesMeter([*model.parameters(), *also])
    with meter, LayerLedger(model, meter) as ledger:
        total = loss(model(x))
    held = meter.held_bytes
    assert total.requires_grad
    assert sum(ledger.saved_bytes.values()) == held
    return ledger.saved_bytes


def test_every_layer_has_what_it_saved_and_the_loss_the_rest():
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3))
    # The input; the ReLU's output, which the second linear layer keeps too; exp's output.
    assert booked(model, torch.ones(5, 8)) == {"0": 160, "1": 80, "2": 0, "3": 0, "loss": 60}


def test_names_are_those_of_the_network_in_its_order():
    block = nn.Sequential(nn.Linear(8, 4), nn.Tanh())
    model = nn.ModuleDict({"block": block, "head": nn.Linear(4, 2)})
    model.forward = lambda x: model["head"](model["block"](x))
    result = booked(model, torch.ones(5, 8))
    assert result == {"block.0": 160, "block.1": 80, "head": 0, "loss": 40}
    assert list(result) == ["block.0", "block.1", "head", "loss"]


def test_a_layer_used_twice_has_both_uses():
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    # The input; what tanh returns is booked to tanh.
    assert booked(model, torch.ones(5, 4)) == {"0": 80, "1": 80, "loss": 80}
    twice = nn.Sequential(shared, nn.Flatten(), shared)
    assert booked(twice, torch.ones(5, 4)) == {"0": 160, "1": 0, "loss": 80}


def test_what_functions_outside_of_layers_save_is_the_losss():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 4)

        def forward(self, x):
            return F.relu(self.first(x))

    assert booked(Net(), torch.ones(5, 8), loss=torch.sum) == {"first": 160, "loss": 80}


def test_a_layer_that_is_never_called_has_nothing():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(8, 4), nn.Linear(8, 4)

        def forward(self, x):
            return self.used(x)

    assert booked(Net(), torch.ones(5, 8)) == {"used": 160, "unused": 0, "loss": 80}


def test_what_is_apart_for_the_meter_is_apart_here():
    model, x = nn.Sequential(nn.Linear(8, 4)), torch.ones(5, 8)
    assert booked(model, x, also=[x]) == {"0": 0, "loss": 80}


def test_no_hooks_are_left_also_after_an_error():
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    booked(model, torch.ones(5, 8))
    meter = SavedBytesMeter(model.parameters())
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):  # noqa: SIM117
        with meter, LayerLedger(model, meter):
            model(torch.ones(5, 9))
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def network():
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3)),
        *(nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 10)),
    )


@pytest.mark.parametrize("estimator", ["exact", "small_batch", "rad", "rad_shared", "rad_project"])
def test_every_layer_has_what_was_predicted_for_it(estimator):
    with torch.device("meta"):
        dry, labels = network(), torch.empty(5, dtype=torch.int64)
        images = torch.empty(5, 3, 16, 16)
    model = network()
    for net in (dry, model):
        randomize(net, estimator)
    predicted = predict_by_layer(dry, F.cross_entropy, images, labels)
    found = booked(
        model, torch.rand(5, 3, 16, 16), lambda y: F.cross_entropy(y, torch.zeros(5).long())
    )
    assert predicted == found
    assert [*predicted] == [*map(str, range(9)), "loss"]
    assert sum(predicted.values()) == predict_saved_bytes(dry, F.cross_entropy, images, labels)
    # The log probabilities, the labels and the weight that is all in all.
    assert found["loss"] == 5 * 40 + 5 * 8 + 4
