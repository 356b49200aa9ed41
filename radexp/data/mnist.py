"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28.

Source: Y. LeCun, C. Cortes and C. Burges, http://yann.lecun.com/exdb/mnist
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from radexp.data.dataset import Dataset, Split
from radexp.data.idx import parse_idx, read_contents
from radexp.data.sources import (
    cache_root,
    combined_sha256,
    download,
    find_file,
    given_root,
    verify,
)

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MEAN, STD = 0.1307, 0.3081

# SHA-256 of the uncompressed contents: training images and labels, test images and labels.
CONTENTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# MD5 of the packed files of MIRROR.
DOWNLOADS = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}


def fetch(root: str | Path | None = None, base_url: str = MIRROR) -> Path:
    """Download what is missing, unless a folder is given, and verify all four files.

    Args:
        root: Folder with the files, itself or its ``mnist``; None: ``RADEXP_DATA``, else the
            download cache.
        base_url: Address of the mirror.

    Returns:
        The folder that as ``data.root`` gives this data set.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    folder = _prepare(root, base_url)
    for _ in _arrays(folder):
        pass
    return folder


def load(root: str | Path | None = None, base_url: str = MIRROR) -> Dataset:
    """Return MNIST, its pixels in [0, 1] shifted by the mean 0.1307 and divided by 0.3081.

    Args:
        root: Folder with the files, itself or its ``mnist``; None: ``RADEXP_DATA``, else the
            download cache.
        base_url: Address of the mirror.

    Returns:
        The data set, on the CPU: examples of (1, 28, 28), ten classes.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    arrays = _arrays(_prepare(root, base_url))
    train = to_split(next(arrays), next(arrays))
    test = to_split(next(arrays), next(arrays))
    return Dataset("mnist", train, test, 10, combined_sha256(CONTENTS))


def to_split(images_NHW: Tensor, labels_N: Tensor) -> Split:
    """Normalize grey images of bytes and add the channel: inputs are ``(N, 1, H, W)``."""
    inputs = images_NHW.unsqueeze(1).float().div_(255).sub_(MEAN).div_(STD)
    return Split(inputs, labels_N.long())


def _prepare(root: str | Path | None, base_url: str) -> Path:
    """Return the given folder as it is, else the cache after filling it."""
    folder = given_root(root)
    if folder is None:
        folder = cache_root()
        download(folder / "mnist", base_url, DOWNLOADS)
    return folder


def _arrays(root: Path) -> Iterator[Tensor]:
    """Yield the four verified arrays, each only when asked for."""
    for path, sha256 in [(find_file(root, name, "mnist"), CONTENTS[name]) for name in CONTENTS]:
        contents = read_contents(path)
        verify(contents, sha256, path)
        yield parse_idx(contents, path)
