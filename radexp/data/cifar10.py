"""CIFAR-10: 50,000 training and 10,000 test photographs of ten things, 32x32 in colour.

Read from the binary version, whose files are rows of 3,073 bytes: the label, then 1,024 bytes
each of red, green and blue, row after row. Nothing is unpickled.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009,
https://www.cs.toronto.edu/~kriz/cifar.html

Shapes: N examples, B bytes of a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from radexp.data.archive import extract
from radexp.data.dataset import Dataset, Split
from radexp.data.idx import read_contents
from radexp.data.sources import (
    cache_root,
    combined_sha256,
    download,
    find_file,
    given_root,
    verify,
)
from radexp.errors import UsageError

SOURCE = "https://www.cs.toronto.edu/~kriz/"
DOWNLOADS = {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}  # MD5
FOLDER = "cifar-10-batches-bin"

IMAGE = (3, 32, 32)
RECORD_BYTES = 1 + 3 * 32 * 32
NUM_RECORDS = 10_000  # in each file
MEANS, STDS = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)

# SHA-256 of the files; the last one is the test set.
CONTENTS = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}


def fetch(root: str | Path | None = None, base_url: str = SOURCE) -> Path:
    """Download the archive if needed, unless a folder is given, and verify all six files.

    Args:
        root: Folder with the files, itself, its ``cifar10`` or its ``cifar-10-batches-bin``; None:
            ``RADEXP_DATA``, else the download cache.
        base_url: Address of the archive's folder.

    Returns:
        The folder that as ``data.root`` gives this data set.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    folder = _prepare(root, base_url)
    for _ in _files(folder):
        pass
    return folder


def load(root: str | Path | None = None, base_url: str = SOURCE) -> Dataset:
    """Return CIFAR-10, each colour in [0, 1] shifted by its mean and divided by its deviation.

    Means are 0.4914, 0.4822, 0.4465 and deviations 0.2023, 0.1994, 0.2010, red, green and blue.

    Args:
        root: Folder with the files, itself, its ``cifar10`` or its ``cifar-10-batches-bin``; None:
            ``RADEXP_DATA``, else the download cache.
        base_url: Address of the archive's folder.

    Returns:
        The data set, on the CPU: examples of (3, 32, 32), ten classes.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    *train, test = _files(_prepare(root, base_url))
    parts = to_split(torch.cat(train)), to_split(test)
    return Dataset("cifar10", *parts, 10, combined_sha256(CONTENTS))


def parse_records(contents: bytes, source: str | Path) -> Tensor:
    """Turn the contents of a file into a tensor of its records.

    Args:
        contents: The whole file.
        source: Its name, for messages.

    Returns:
        A uint8 tensor of ``(NUM_RECORDS, 3073)``.

    Raises:
        UsageError: If it is not as long as that many records.
    """
    expected = NUM_RECORDS * RECORD_BYTES
    if len(contents) != expected:
        raise UsageError(
            f"{source}: has {len(contents)} bytes: expected are {expected}, {NUM_RECORDS} records "
            f"of {RECORD_BYTES}; replace it by the published file"
        )
    return torch.frombuffer(bytearray(contents), dtype=torch.uint8).view(-1, RECORD_BYTES)


def to_split(records_NB: Tensor) -> Split:
    """Separate labels from images and normalize these: inputs are ``(N, 3, 32, 32)``."""
    inputs = records_NB[:, 1:].float().div_(255).view(-1, *IMAGE)
    inputs.sub_(torch.tensor(MEANS).view(3, 1, 1)).div_(torch.tensor(STDS).view(3, 1, 1))
    return Split(inputs, records_NB[:, 0].long())


def _prepare(root: str | Path | None, base_url: str) -> Path:
    """Return the given folder as it is, else the cache after filling it."""
    folder = given_root(root)
    if folder is None:
        folder = cache_root()
        own = folder / "cifar10"
        if not all(_is_intact(own / name, sha256) for name, sha256 in CONTENTS.items()):
            download(own, base_url, DOWNLOADS)
            members = {f"{FOLDER}/{name}": name for name in CONTENTS}
            (archive,) = DOWNLOADS
            extract(own / archive, members, own, NUM_RECORDS * RECORD_BYTES)
    return folder


def _is_intact(path: Path, sha256: str) -> bool:
    """Return whether a file is there with the contents that it should have."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _files(root: Path) -> Iterator[Tensor]:
    """Yield the verified records of the six files, each only when asked for."""
    paths = [(find_file(root, name, "cifar10", FOLDER), CONTENTS[name]) for name in CONTENTS]
    for path, sha256 in paths:
        contents = read_contents(path)
        records = parse_records(contents, path)
        verify(contents, sha256, path)
        yield records
