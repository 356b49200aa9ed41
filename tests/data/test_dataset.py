"""Split and Dataset: what they refuse and what they say of themselves."""

import pytest
import torch

from radexp.data import Dataset, Split
from radexp.errors import UsageError


def split(num: int = 3, shape: tuple[int, ...] = (1, 8, 8), label: int = 1) -> Split:
    return Split(torch.zeros(num, *shape), torch.full((num,), label))


@pytest.mark.parametrize(
    "inputs", [torch.zeros(3, 4, dtype=torch.float64), torch.zeros(3), torch.tensor(1.0)]
)
def test_inputs_of_another_kind_are_refused(inputs):
    with pytest.raises(UsageError, match=r"inputs of torch\.float.*allowed is torch\.float32 of s"):
        Split(inputs, torch.zeros(3, dtype=torch.int64))


@pytest.mark.parametrize(
    "labels", [torch.zeros(3), torch.zeros(3, 1, dtype=torch.int64), torch.tensor(1)]
)
def test_labels_of_another_kind_are_refused(labels):
    with pytest.raises(UsageError, match=r"labels of torch\..*allowed is torch\.int64 of shape"):
        Split(torch.zeros(3, 4), labels)


@pytest.mark.parametrize(("num_inputs", "num_labels"), [(3, 2), (2, 3), (0, 0)])
def test_other_than_one_label_per_input_is_refused(num_inputs, num_labels):
    with pytest.raises(UsageError, match=f"{num_inputs} inputs with {num_labels} labels: allowed"):
        Split(torch.zeros(num_inputs, 4), torch.zeros(num_labels, dtype=torch.int64))


def test_parts_of_two_shapes_are_refused():
    with pytest.raises(UsageError, match=r"of \(1, 8, 8\), test examples of \(1, 9, 9\): allowed"):
        Dataset("tiny", split(), split(shape=(1, 9, 9)), num_classes=2)


@pytest.mark.parametrize("label", [-1, 2])
@pytest.mark.parametrize("part", ["train", "test"])
def test_labels_that_are_no_class_are_refused(label, part):
    parts = {"train": split(), "test": split()} | {part: split(label=label)}
    with pytest.raises(UsageError, match=r"tiny: labels from .*: allowed is 0 to 1; count"):
        Dataset("tiny", **parts, num_classes=2)


def test_sizes_and_repr():
    dataset = Dataset("tiny", split(5), split(2), num_classes=2)
    assert dataset.input_shape == (1, 8, 8)
    assert (dataset.num_examples, len(dataset.train), len(dataset.test)) == (5, 5, 2)
    expected = "Dataset('tiny', 5 train + 2 test examples of (1, 8, 8), 2 classes, on cpu)"
    assert repr(dataset) == expected
    assert repr(dataset.test) == "Split(2 examples of (1, 8, 8) on cpu)"


def test_the_digest_is_that_of_the_source_or_of_every_number():
    dataset = Dataset("tiny", split(), split(), num_classes=2)
    others = [
        Dataset("tiny", split(label=0), split(), num_classes=2),
        Dataset("tiny", split(), split(label=0), num_classes=2),
        Dataset("tiny", split(shape=(1, 4, 16)), split(shape=(1, 4, 16)), num_classes=2),
        Dataset("tiny", Split(torch.ones(3, 1, 8, 8), split().labels), split(), num_classes=2),
    ]
    assert len({data.sha256 for data in (dataset, *others)}) == 5
    assert Dataset("other", split(), split(), num_classes=2).sha256 == dataset.sha256
    published = Dataset("tiny", split(), split(), 2, "abc")
    assert published.sha256 == published.to("cpu").sha256 == "abc"


def test_to_moves_every_tensor_and_leaves_the_original():
    dataset = Dataset("tiny", split(), split(), num_classes=2)
    train = dataset.train.to("meta")
    assert train.inputs.device.type == train.labels.device.type == "meta"
    assert dataset.train.inputs.device.type == "cpu"
    same = dataset.to("cpu")
    assert torch.equal(same.test.inputs, dataset.test.inputs)
    assert same.num_classes == 2
