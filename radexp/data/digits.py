"""Handwritten digits that come with scikit-learn: 1,797 scans of 8x8, no download.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (its
test part, as ``sklearn.datasets.load_digits`` ships it).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch

from radexp.data.dataset import Dataset, Split
from radexp.errors import require

# SHA-256 of all pixels, then labels, 8 little-endian bytes each.
CONTENTS = "f6d9e39f37dc45d327f6db33428ee58970ccceabb2535a5c179de35886b70443"
NUM_TEST = 360
SPLIT_SEED = 0


def fetch(root: str | Path | None = None) -> None:
    """Do nothing: the scans are part of scikit-learn. ``root`` is not looked at."""


def load(root: str | Path | None = None) -> Dataset:
    """Return the digits: 1,437 training and 360 test examples of (1, 8, 8), ten classes.

    The order is one fixed permutation (``SPLIT_SEED``), because the scans lie sorted by writer;
    its first ``NUM_TEST`` examples are the test part. Both parts are shifted and scaled by the
    mean and the standard deviation of all training pixels.

    Args:
        root: Not looked at: there are no files.

    Returns:
        The data set, on the CPU.

    Raises:
        UsageError: If scikit-learn's scans are not those that it was published with.

    Example:
        >>> load()
        Dataset('digits', 1437 train + 360 test examples of (1, 8, 8), 10 classes, on cpu)
    """
    from sklearn.datasets import load_digits  # here, because importing it takes seconds

    scans = load_digits()
    contents = scans.images.astype("<f8").tobytes() + scans.target.astype("<i8").tobytes()
    found = hashlib.sha256(contents).hexdigest()
    require(
        found == CONTENTS,
        f"scikit-learn's digits have SHA-256 {found[:16]}...",
        f"{CONTENTS[:16]}..., the published scans",
        "install scikit-learn again",
    )
    # RandomState, because NumPy promises that its stream never changes between releases.
    order = torch.from_numpy(np.random.RandomState(SPLIT_SEED).permutation(len(scans.target)))
    pixels = torch.from_numpy(scans.images)[order].unsqueeze(1)
    labels = torch.from_numpy(scans.target)[order].long()
    std, mean = torch.std_mean(pixels[NUM_TEST:])
    inputs = ((pixels - mean) / std).float()
    # Cloned, because a slice would hold, and be counted with, the memory of both parts.
    return Dataset(
        "digits",
        train=Split(inputs[NUM_TEST:].clone(), labels[NUM_TEST:].clone()),
        test=Split(inputs[:NUM_TEST].clone(), labels[:NUM_TEST].clone()),
        num_classes=10,
        source_sha256=CONTENTS,
    )
