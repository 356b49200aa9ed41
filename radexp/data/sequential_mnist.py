"""MNIST as sequences: each image one pixel after another, row after row, 784 steps of 1.

Source: Q. V. Le, N. Jaitly and G. E. Hinton, A Simple Way to Initialize Recurrent Networks of
Rectified Linear Units, arXiv 1504.00941.
"""

from __future__ import annotations

from pathlib import Path

from radexp.data import mnist
from radexp.data.dataset import Dataset, Split


def fetch(root: str | Path | None = None, base_url: str = mnist.MIRROR) -> Path:
    """Fetch and verify MNIST, which has the same files.

    Args:
        root: As for ``radexp.data.mnist.fetch``.
        base_url: Address of the mirror.

    Returns:
        The folder that as ``data.root`` gives this data set.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    return mnist.fetch(root, base_url)


def load(root: str | Path | None = None, base_url: str = mnist.MIRROR) -> Dataset:
    """Return MNIST, normalized as ``mnist`` is, as sequences.

    Args:
        root: As for ``radexp.data.mnist.load``.
        base_url: Address of the mirror.

    Returns:
        The data set, on the CPU: examples of (784, 1), ten classes.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    images = mnist.load(root, base_url)
    train, test = to_sequences(images.train), to_sequences(images.test)
    return Dataset("sequential_mnist", train, test, images.num_classes, images.sha256)


def to_sequences(images: Split) -> Split:
    """View grey images ``(N, 1, H, W)`` as sequences ``(N, H W, 1)``.

    Example:
        >>> import torch
        >>> to_sequences(Split(torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1])))
        Split(3 examples of (64, 1) on cpu)
    """
    return Split(images.inputs.view(len(images), -1, 1), images.labels)
