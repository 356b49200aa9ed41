"""Sequential MNIST at half the resolution: 196 steps of 1, for machines without an accelerator.

Each normalized image is averaged over its 14 x 14 blocks of 2 x 2 pixels, then read as in
``sequential_mnist``. A quarter of the steps make a quarter of the time and of the memory; it is no
data set of the paper, and every report says which one it was.
"""

from __future__ import annotations

from pathlib import Path

from torch.nn.functional import avg_pool2d

from radexp.data import mnist
from radexp.data.dataset import Dataset, Split
from radexp.data.sequential_mnist import fetch, to_sequences

__all__ = ["fetch", "load"]


def load(root: str | Path | None = None, base_url: str = mnist.MIRROR) -> Dataset:
    """Return MNIST, normalized as ``mnist`` is, at half the height and width, as sequences.

    Args:
        root: As for ``radexp.data.mnist.load``.
        base_url: Address of the mirror.

    Returns:
        The data set, on the CPU: examples of (196, 1), ten classes.

    Raises:
        UsageError: If a file is missing from a given folder, cannot be fetched or is damaged.
    """
    images = mnist.load(root, base_url)
    train, test = (to_sequences(halve(part)) for part in (images.train, images.test))
    return Dataset("sequential_mnist14", train, test, images.num_classes, images.sha256)


def halve(images: Split) -> Split:
    """Average images ``(N, 1, H, W)`` over blocks of 2 x 2 pixels.

    Example:
        >>> import torch
        >>> halve(Split(torch.arange(4.0).view(1, 1, 2, 2), torch.tensor([7]))).inputs.tolist()
        [[[[1.5]]]]
    """
    return Split(avg_pool2d(images.inputs, 2), images.labels)
