"""One cell of the memory table: predicted bytes are measured, in all and layer by layer."""

import pytest
import torch

from radexp.commands.composing import compose_jobs
from radexp.config import CLASSIFICATION, options_for
from radexp.experiments.memory_cell import measure_cell, random_dataset

SHAPES = {"mlp": (1, 8, 8), "cnn": (3, 12, 12), "rnn": (20, 1)}
SIZES = {
    "mlp": ["model.hidden=[9,7]"],
    "cnn": ["model.channels=[4,5]", "model.kernel_size=3"],
    "rnn": ["model.hidden=[16]"],
}
pytestmark = pytest.mark.usefixtures("torch_state")


@pytest.fixture
def cell(tmp_path):
    """Return a function from a model and overrides to its cell."""

    def measure(model, *words):
        given = [f"model={model}", *SIZES[model], "training.batch_size=12", "threads=1", *words]
        (config,) = compose_jobs([*given, f"output={tmp_path}"], multirun=False)
        return measure_cell(config, SHAPES[model], 10)

    return measure


@pytest.mark.parametrize("model", SHAPES)
@pytest.mark.parametrize("estimator", options_for("estimator", CLASSIFICATION))
def test_what_is_predicted_is_measured(model, estimator, cell):
    result = cell(model, f"estimator={estimator}")
    numbers = result.numbers
    assert numbers["predicted_saved_bytes"] == numbers["measured_saved_bytes"] > 0
    assert numbers["parameter_bytes"] > 0
    assert (numbers["model"], numbers["estimator"]) == (model, estimator)
    for layer in result.layers:
        assert layer["predicted_saved_bytes"] == layer["measured_saved_bytes"], layer
    total = sum(layer["measured_saved_bytes"] for layer in result.layers)
    assert total == numbers["measured_saved_bytes"]


def test_numbers_of_the_estimator_are_told(cell):
    sketched = cell("mlp", "estimator=rad", "estimator.keep=0.3").numbers
    assert (sketched["keep"], sketched["batch_size"]) == (0.3, 12)
    small = cell("mlp", "estimator=small_batch", "estimator.batch_size=5").numbers
    assert (small["keep"], small["batch_size"]) == (1.0, 5)
    exact = cell("mlp", "estimator=exact").numbers
    assert (exact["keep"], exact["batch_size"]) == (1.0, 12)
    # 64 + 9 + 7 inputs, 10 log probabilities and a label each; the weight of the loss.
    assert exact["measured_saved_bytes"] == 12 * (4 * (64 + 9 + 7 + 10) + 8) + 4
    assert exact["parameter_bytes"] == 4 * (65 * 9 + 10 * 7 + 8 * 10)


def test_a_budget_is_solved_as_in_training(cell):
    numbers = cell("mlp", "estimator=rad", "budget=50%").numbers
    assert 0 < numbers["keep"] < 1
    exact = cell("mlp", "estimator=exact").numbers
    assert numbers["measured_saved_bytes"] <= exact["measured_saved_bytes"] / 2


def test_a_row_tells_the_problem_and_what_it_was_measured_on(cell):
    result = cell("cnn", "estimator=small_batch", "estimator.batch_size=5", "threads=2")
    told = {
        "model": "cnn",
        "sizes": "4-5, kernel 3, average",
        "input": "3x12x12",
        "batch_size": 5,
        "whole_batch_size": 12,
        "lean": True,
        "device": "cpu",
        "threads": 2,
    }
    assert told.items() <= result.numbers.items()
    assert (result.environment["device"], result.environment["threads"]) == ("cpu", 2)
    assert {"git_commit", "packages", "cpu", "gpu"} <= set(result.environment)


def test_one_thread_measures_unless_more_are_asked_for(cell):
    torch.set_num_threads(2)
    assert cell("mlp", "estimator=exact", "threads=null").environment["threads"] == 1


def test_layers_have_names_and_kinds(cell):
    layers = cell("cnn", "estimator=rad", "estimator.keep=0.3").layers
    assert [(layer["layer"], layer["kind"]) for layer in layers] == [
        ("0", "SketchedConv2d"),
        ("1", "BitReLU"),
        ("2", "SketchedConv2d"),
        ("3", "BitReLU"),
        ("4", "LeanAvgPool2d"),
        ("5", "Flatten"),
        ("6", "SketchedLinear"),
        ("loss", "loss"),
    ]
    assert layers[0]["measured_saved_bytes"] == 4 * 12 * 3 * 44  # ceil(0.3 * 144)
    assert layers[1]["measured_saved_bytes"] == 12 * 4 * 144 // 8
    assert layers[4]["measured_saved_bytes"] == layers[5]["measured_saved_bytes"] == 0


def test_the_peak_has_all_its_categories(cell):
    numbers = cell("mlp", "estimator=exact").numbers
    peaks = {name: size for name, size in numbers.items() if name.startswith("peak_")}
    assert set(peaks) == {
        *(f"peak_{part}_bytes" for part in ("parameters", "gradients", "optimizer", "batch")),
        *(f"peak_{part}_bytes" for part in ("saved", "workspace", "total")),
    }
    assert sum(peaks.values()) == 2 * peaks["peak_total_bytes"]
    assert peaks["peak_total_bytes"] >= numbers["parameter_bytes"] + numbers["measured_saved_bytes"]
    assert all(size >= 0 for size in peaks.values())


def test_noise_has_the_shape_and_the_classes_of_a_data_set():
    state = torch.get_rng_state()
    first, again = (random_dataset((2, 3), 4, 10) for _ in range(2))
    assert (first.input_shape, first.num_classes, first.num_examples) == ((2, 3), 4, 10)
    assert torch.equal(first.train.inputs, again.train.inputs)
    assert first.train.labels.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert torch.equal(torch.get_rng_state(), state)
