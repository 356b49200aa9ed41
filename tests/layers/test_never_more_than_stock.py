"""No layer keeps more than PyTorch's own, and prediction equals measurement where it is hard."""

from itertools import product

import pytest
import torch
from torch import nn

from radexp.layers import randomize
from radexp.layers.conv import SketchedConv2d
from radexp.layers.recurrent import SketchedRNN
from radexp.memory import SavedBytesMeter

SIZES = [(20, 4, 28, 5), (10, 40, 28, 30), (25, 8, 3, 16), (25, 8, 1, 16)]  # T, N, I, H
RNNS = list(product(["relu", "tanh"], [1, 2], [False, True], SIZES))


def held(net, x):
    with SavedBytesMeter(net.parameters()) as meter:
        outputs, _ = net(x)
        loss = outputs.square().sum()
    assert loss.requires_grad
    return meter.held_bytes


@pytest.mark.parametrize(("kind", "layers", "both_ways", "size"), RNNS, ids=str)
@pytest.mark.parametrize("estimator", ["rad", "rad_shared", "rad_project"])
@pytest.mark.parametrize("keep", [0.9, 0.5, 0.1])
def test_recurrent(kind, layers, both_ways, size, estimator, keep):
    steps, rows, inputs, hidden = size
    net = nn.RNN(inputs, hidden, layers, nonlinearity=kind, bidirectional=both_ways)
    x = torch.randn(steps, rows, inputs)
    stock = held(net, x)
    randomize(net, estimator, keep=keep)
    assert held(net, x) <= stock


def test_two_directions_are_left_alone_where_their_sketches_would_exceed_the_input():
    net = nn.RNN(28, 5, bidirectional=True)
    assert randomize(net, "rad", keep=0.6).left_alone == ("",)
    assert randomize(net, "rad", keep=0.5).converted == ("",)
    assert type(net) is SketchedRNN


MODES = ["reflect", "replicate"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("frozen", [True, False])
def test_padding_is_predicted_and_kept_nowhere(mode, frozen, predicted_and_measured):
    def build():
        net = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Conv2d(4, 3, 3, padding=2, padding_mode=mode)
        )
        net[2].requires_grad_(not frozen)
        return net

    predicted, measured = predicted_and_measured(build, (3, 2, 9, 8), "rad", True, keep=0.2)
    _, stock = predicted_and_measured(build, (3, 2, 9, 8), None, True)
    assert predicted == measured < stock


class KeywordNet(nn.Module):
    """Calls its layers by keyword, as PyTorch allows."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.drop = nn.Conv1d(2, 4, 3), nn.MaxPool1d(2), nn.Dropout(0.5)
        self.relu, self.rnn, self.linear = nn.ReLU(), nn.RNN(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = self.pool(input=self.relu(input=self.conv(input=x)))
        x = self.drop(input=x).permute(2, 0, 1)
        _, last = self.rnn(input=x, hx=x.new_zeros(1, x.shape[1], 5))
        return self.linear(input=last[0])


@pytest.mark.parametrize("estimator", ["rad", "small_batch"])
def test_layers_take_their_inputs_by_keyword(estimator, predicted_and_measured):
    predicted, measured = predicted_and_measured(KeywordNet, (3, 2, 12), estimator)
    assert predicted == measured > 0


@pytest.mark.parametrize("kind", [nn.ReLU, nn.Dropout])
def test_a_layer_in_place_changes_its_input(kind):
    net = nn.Sequential(nn.Linear(30, 20), kind(inplace=True))
    randomize(net, "rad", keep=0.2)
    before = net[0](torch.randn(4, 30))
    assert net[1](before) is before
    assert (before == 0).any()
    before.sum().backward()


def test_a_convolution_still_says_what_is_wrong_with_its_input():
    layer = randomize(nn.Conv2d(3, 2, 3), "rad").model
    assert type(layer) is SketchedConv2d
    with pytest.raises(RuntimeError, match="Expected 3D"):
        layer(torch.zeros(5))
