"""The paper's recurrent network: its size, its initial values, how it reads, what it refuses."""

import re

import pytest
import torch
from torch.nn.functional import cross_entropy

from radexp.config import ModelConfig
from radexp.errors import UsageError
from radexp.memory import SavedBytesMeter, parameter_bytes
from radexp.models import build_model
from radexp.models.rnn import IRNN


def build(shape=(784, 1), hidden=(100,), num_classes=10):
    return build_model(ModelConfig("rnn", list(hidden)), shape, num_classes)


def test_the_papers_network_has_11310_parameters():
    assert parameter_bytes(build()) == 4 * 11_310


def test_initial_values():
    torch.manual_seed(0)
    model = build((784, 20), num_classes=20)
    assert torch.equal(model.recurrent.weight_hh_l0, torch.eye(100))
    for bias in (model.recurrent.bias_ih_l0, model.recurrent.bias_hh_l0, model.output.bias):
        assert not bias.any()
    for weight in (model.recurrent.weight_ih_l0, model.output.weight):
        # 2,000 draws: the standard error of their mean is 2.2e-5, of their deviation 1.6e-5.
        std, mean = torch.std_mean(weight)
        assert abs(mean) < 5 * 2.2e-5
        assert abs(std - 1e-3) < 5 * 1.6e-5


def test_at_first_the_state_is_the_sum_of_what_was_read():
    model = build((7, 1))
    x = torch.rand(3, 7, 1)
    last = model.recurrent(x)
    assert last.any()
    # The identity passes sums on; ReLU stops the units whose only input weight is negative.
    expected = x.sum(1) * model.recurrent.weight_ih_l0.t().clamp(min=0)
    torch.testing.assert_close(last, expected)


@pytest.mark.parametrize(
    ("shape", "features"), [((6, 1), 1), ((6, 4), 4), ((1, 8, 8), 1), ((3, 4, 5), 3)], ids=str
)
def test_shapes(shape, features):
    model = build(shape, (7,), 4)
    assert isinstance(model, IRNN)
    assert (model.recurrent.input_size, model.recurrent.hidden_size) == (features, 7)
    assert model(torch.rand(5, *shape)).shape == (5, 4)


def test_images_are_read_pixel_by_pixel_row_after_row():
    model = build((2, 3, 4), (6,))
    image = torch.rand(5, 2, 3, 4)
    pixels = [image[:, :, row, column] for row in range(3) for column in range(4)]
    sequence = torch.stack(pixels, dim=1)
    assert sequence.shape == (5, 12, 2)
    assert torch.equal(model(image), model(sequence))


def test_it_keeps_every_state():
    model = build()
    with SavedBytesMeter(model.parameters()) as meter:
        loss = cross_entropy(model(torch.rand(3, 784, 1)), torch.zeros(3, dtype=torch.int64))
    assert loss.requires_grad
    # Inputs, zeros and 784 states, log-probabilities; labels; total weight.
    assert meter.peak_bytes == 3 * (4 * (784 + 100 + 784 * 100 + 10) + 8) + 4


@pytest.mark.parametrize(
    ("shape", "hidden", "message"),
    [
        (
            *((64,), (5,)),
            "model=rnn on examples of (64,): allowed is sequences of (T, I) or images of (C, H, W)"
            "; try data=sequential_mnist",
        ),
        ((1, 2, 3, 4), (5,), "model=rnn on examples of (1, 2, 3, 4): allowed is sequences"),
        *(
            (
                *((6, 1), hidden),
                f"model.hidden={list(hidden)} with model=rnn: allowed is exactly one size; try m",
            )
            for hidden in ((), (5, 5))
        ),
    ],
)
def test_other_inputs_and_sizes_are_refused(shape, hidden, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        build(shape, hidden)
