"""The error of a gradient splits into the batch's part and the sketch's, layer by layer."""

import copy

import pytest
import torch
from torch import nn

from radexp.layers import randomize
from radexp.training.noise import exact_gradient, gradient, gradient_noise


class Regression:
    """Least squares on 40 examples, in batches of 5; the whole comes in two unequal parts."""

    def __init__(self):
        self.draws = torch.Generator().manual_seed(0)
        self.x = torch.randn(40, 6, generator=self.draws, dtype=torch.float64)
        self.y = torch.randn(40, 2, generator=self.draws, dtype=torch.float64)

    def next_batch(self):
        chosen = torch.randint(40, (5,), generator=self.draws)
        return self.x[chosen], self.y[chosen]

    def whole(self):
        yield 0.75, (self.x[:30], self.y[:30])
        yield 0.25, (self.x[30:], self.y[30:])

    def parts(self, batch):
        for rows in (slice(2), slice(2, None)):
            part = tuple(tensor[rows] for tensor in batch)
            yield len(part[0]) / len(batch[0]), part

    def loss(self, model, batch):
        outputs = model(batch[0])
        return (outputs - batch[1]).square().mean(), outputs


@pytest.fixture
def task():
    return Regression()


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    return layers.double()


@pytest.fixture
def sketched(model):
    other = copy.deepcopy(model)
    randomize(other, "rad", keep=0.5)
    return other


def test_the_parts_of_the_whole_add_up_to_its_gradient(model, task):
    at_once = gradient(model, task, (task.x, task.y))
    in_parts = exact_gradient(model, task)
    assert list(at_once) == list(in_parts) == ["0", "2"]
    for layer, vector in at_once.items():
        # Sums of 40 terms of float64 in another order: a few roundings of 1e-16.
        torch.testing.assert_close(in_parts[layer], vector, rtol=1e-12, atol=1e-14)


def test_gradients_leave_the_parameters_alone(model, task):
    gradient(model, task, task.next_batch())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_exact_gradients_have_no_error_of_a_sketch(model, task):
    reference = exact_gradient(model, task)
    rows = gradient_noise(model, {"exact": model}, task, reference, repetitions=3)
    assert len(rows) == 3 * 2
    assert all(row["sketch"] == 0 and row["total"] == row["batch"] > 0 for row in rows)
    # d = e - G: its square is the total, and its product with the one before is at every second.
    assert [row["pair"] == row["pair"] for row in rows] == [False, False, True, True, False, False]
    assert sum(row["reference"] for row in rows[:2]) == pytest.approx(1, abs=1e-12)


def test_numbers_are_those_of_the_definition(model, sketched, task):
    reference = exact_gradient(model, task)
    scale = sum(float(vector.square().sum()) for vector in reference.values())
    replay = copy.deepcopy((model, sketched, task))
    row = gradient_noise(model, {"rad": sketched}, task, reference, repetitions=1)[0]
    batch = replay[2].next_batch()
    b, e = (gradient(m, replay[2], batch)["0"] for m in replay[:2])
    errors = {"total": e - reference["0"], "sketch": e - b, "batch": b - reference["0"]}
    for name, error in errors.items():
        assert row[name] == pytest.approx(float(error.square().sum()) / scale, rel=1e-12)
    assert row["along"] == pytest.approx(float((e - b) @ reference["0"]) / scale, rel=1e-9)
    assert row["sketch"] > 0


def test_parts_add_up_and_no_bias_is_found(model, sketched, task):
    reference = exact_gradient(model, task)
    rows = gradient_noise(model, {"rad": sketched}, task, reference, repetitions=800)
    mean = {
        key: torch.tensor([row[key] for row in rows if row["layer"] == "0"], dtype=torch.float64)
        for key in ("total", "sketch", "batch", "along", "pair")
    }
    cross = mean["total"] - mean["sketch"] - mean["batch"]  # 2 <e - b, b - G>: mean zero
    pairs = mean["pair"][~mean["pair"].isnan()]
    assert len(pairs) == 400
    for values in (cross, mean["along"], pairs):
        # Four standard errors: 6e-5 by chance, and the seed is fixed.
        assert abs(values.mean()) < 4 * values.std() / len(values) ** 0.5


def test_a_planted_bias_is_found(model, sketched, task):
    reference = exact_gradient(model, task)

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = sketched

        def named_parameters(self, *args, **kwargs):
            return self.inner.named_parameters(*args, **kwargs)

        def forward(self, x):
            y = self.inner(x)
            return y + 0.2 * (y - y.detach())  # same values, gradients 1.2 times as large

    rows = gradient_noise(model, {"rad": Scaled()}, task, reference, repetitions=800)
    along = torch.tensor([row["along"] for row in rows if row["layer"] == "2"])
    assert along.mean() > 4 * along.std() / len(along) ** 0.5


def test_every_gradient_is_reported(model, sketched, task):
    calls = []
    reference = exact_gradient(model, task)
    models = {"exact": model, "rad": sketched}
    gradient_noise(model, models, task, reference, 3, lambda: calls.append(1))
    assert len(calls) == 3 * (1 + 2)
