"""The embedded digits: sizes, a fixed split that leaks nothing, normalization."""

import pytest
import torch
from sklearn.datasets import load_digits

from radexp.data import digits
from radexp.errors import UsageError


@pytest.fixture(scope="module")
def dataset():
    return digits.load()


def test_sizes_and_types(dataset):
    assert dataset.train.inputs.shape == (1437, 1, 8, 8)
    assert dataset.test.inputs.shape == (360, 1, 8, 8)
    assert dataset.num_classes == 10


def test_split_is_the_published_one(dataset):
    assert dataset.test.labels[:12].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5, 2, 8]
    assert dataset.train.labels[:12].tolist() == [6, 5, 3, 4, 4, 4, 8, 8, 7, 0, 9, 6]


def test_two_loads_are_equal(dataset):
    again = digits.load()
    assert torch.equal(again.train.inputs, dataset.train.inputs)
    assert torch.equal(again.test.labels, dataset.test.labels)


def test_every_scan_is_in_exactly_one_part(dataset):
    scans = load_digits()
    std, mean = torch.std_mean(dataset.train.inputs)
    assert abs(mean) < 1e-5
    assert abs(std - 1) < 1e-5
    inputs = torch.cat([dataset.train.inputs, dataset.test.inputs])
    step = (inputs.max() - inputs.min()) / 16
    grey = ((inputs - inputs.min()) / step).round().long().flatten(1)
    labels = torch.cat([dataset.train.labels, dataset.test.labels])
    ours = sorted([*row, label] for row, label in zip(grey.tolist(), labels.tolist(), strict=True))
    rows = scans.images.reshape(1797, 64).astype(int).tolist()
    theirs = sorted([*row, label] for row, label in zip(rows, scans.target.tolist(), strict=True))
    assert ours == theirs


def test_every_class_has_about_a_tenth_of_both_parts(dataset):
    for part in (dataset.train, dataset.test):
        shares = part.labels.bincount(minlength=10) / len(part)
        assert shares.min() > 0.07
        assert shares.max() < 0.13


def test_parts_do_not_share_memory(dataset):
    for part in (dataset.train, dataset.test):
        assert part.inputs.untyped_storage().nbytes() == part.inputs.nbytes
        assert part.labels.untyped_storage().nbytes() == part.labels.nbytes


def test_nothing_is_fetched():
    assert digits.fetch("/no/such/folder") is None


def test_other_scans_are_refused(monkeypatch):
    scans = load_digits()
    scans.images[1000, 3, 3] += 1
    monkeypatch.setattr("sklearn.datasets.load_digits", lambda: scans)
    message = r"digits have SHA-256 .*\.\.\.: allowed is .*, the published scans; install scikit-"
    with pytest.raises(UsageError, match=message):
        digits.load()
