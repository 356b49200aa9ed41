"""The registry of data sets: names and dispatch."""

import pytest

from radexp.catalogue import choices
from radexp.data import (
    DATASETS,
    Dataset,
    cifar10,
    digits,
    fetch,
    load_dataset,
    mnist,
    sequential_mnist,
    sequential_mnist14,
)
from radexp.errors import UsageError


@pytest.mark.parametrize("action", [load_dataset, fetch])
def test_an_unknown_name_is_refused_with_the_known_ones(action):
    message = "data=mnits: allowed is digits, mnist, cifar10, sequential_mnist, "
    message += "sequential_mnist14; try data=digits"
    with pytest.raises(UsageError, match=message):
        action("mnits")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("digits", digits),
        ("mnist", mnist),
        ("cifar10", cifar10),
        ("sequential_mnist", sequential_mnist),
        ("sequential_mnist14", sequential_mnist14),
    ],
)
def test_a_name_leads_to_its_file_with_the_root(name, source, monkeypatch):
    monkeypatch.setattr(source, "load", lambda root: ("load", root))
    monkeypatch.setattr(source, "fetch", lambda root: ("fetch", root))
    assert load_dataset(name, "somewhere") == ("load", "somewhere")
    assert fetch(name) == ("fetch", None)


def test_names():
    assert DATASETS == ("digits", "mnist", "cifar10", "sequential_mnist", "sequential_mnist14")
    assert sorted([*DATASETS, "default", "none"]) == choices("data")


def test_digits_need_no_files():
    dataset = load_dataset("digits", root="/no/such/folder")
    assert isinstance(dataset, Dataset)
    assert dataset.name == "digits"
    assert fetch("digits") is None
