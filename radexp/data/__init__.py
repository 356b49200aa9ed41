"""Data sets as tensors, and the seeded streams of indices that training draws from.

A new data set is one file here with a ``load`` and a ``fetch``, and one line in ``_SOURCES``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from radexp.data import cifar10, digits, mnist, sequential_mnist, sequential_mnist14
from radexp.data.dataset import Dataset, Split
from radexp.data.streams import IndexStream, bootstrap_indices, hold_out_indices
from radexp.errors import UsageError

__all__ = [
    "DATASETS",
    "Dataset",
    "IndexStream",
    "Split",
    "bootstrap_indices",
    "fetch",
    "hold_out_indices",
    "load_dataset",
]


class _Source(Protocol):
    """What the file of a data set offers."""

    def load(self, root: str | Path | None = None) -> Dataset: ...

    def fetch(self, root: str | Path | None = None) -> Path | None: ...


_SOURCES: dict[str, _Source] = {
    "digits": digits,
    "mnist": mnist,
    "cifar10": cifar10,
    "sequential_mnist": sequential_mnist,
    "sequential_mnist14": sequential_mnist14,
}
DATASETS = tuple(_SOURCES)


def load_dataset(name: str, root: str | Path | None = None) -> Dataset:
    """Return a data set on the CPU, downloading it if it has to come from the cache.

    Args:
        name: One of ``DATASETS``.
        root: Folder with the files; None: ``RADEXP_DATA``, else the download cache. A folder
            given either way is never downloaded into.

    Returns:
        The data set, normalized.

    Raises:
        UsageError: If the name is unknown, or a file is missing, damaged or out of reach.

    Example:
        >>> load_dataset("digits").input_shape
        (1, 8, 8)
    """
    return _source(name).load(root)


def fetch(name: str, root: str | Path | None = None) -> Path | None:
    """Make sure that a data set is complete and undamaged, downloading it if needed.

    Args:
        name: One of ``DATASETS``.
        root: As for ``load_dataset``.

    Returns:
        The folder that as ``data.root`` gives this data set; None if it needs no files.

    Raises:
        UsageError: If the name is unknown, or a file is missing, damaged or out of reach.

    Example:
        >>> fetch("digits") is None
        True
    """
    return _source(name).fetch(root)


def _source(name: str) -> _Source:
    """Return the file of a data set, or explain which there are."""
    if name not in _SOURCES:
        raise UsageError(f"data={name}: allowed is {', '.join(DATASETS)}; try data={DATASETS[0]}")
    return _SOURCES[name]
