"""A data set as tensors: what every loader returns and every training loop reads.

Shapes: N examples, C channels, H W space.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from radexp.errors import UsageError


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Examples with their labels, checked when made.

    Attributes:
        inputs: Normalized examples, float32, ``(N, C, H, W)`` for images, C = 1 when grey.
        labels: Classes counted from 0, int64, ``(N,)``.

    Raises:
        UsageError: If shapes or types differ from these, or there is no example.

    Example:
        >>> Split(torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1]))
        Split(3 examples of (1, 8, 8) on cpu)
    """

    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        """Refuse anything but one int64 label per float32 example."""
        if self.inputs.dtype != torch.float32 or self.inputs.ndim < 2:
            raise UsageError(
                f"inputs of {self.inputs.dtype} and shape {tuple(self.inputs.shape)}: allowed is "
                "torch.float32 of shape (N, ...); convert with inputs.float(), one row an example"
            )
        if self.labels.dtype != torch.int64 or self.labels.ndim != 1:
            raise UsageError(
                f"labels of {self.labels.dtype} and shape {tuple(self.labels.shape)}: allowed is "
                "torch.int64 of shape (N,); convert with labels.long()"
            )
        if len(self.inputs) != len(self.labels) or len(self.labels) == 0:
            raise UsageError(
                f"{len(self.inputs)} inputs with {len(self.labels)} labels: allowed is as many "
                "of each, at least 1; check that the two come from the same files"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        shape = tuple(self.inputs.shape[1:])
        return f"Split({len(self)} examples of {shape} on {self.inputs.device})"

    def to(self, device: torch.device | str) -> Split:
        """Return the same examples on ``device``."""
        return Split(self.inputs.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A classification problem: a training and a test part that fit together.

    Attributes:
        name: Its name in ``radexp.data.DATASETS``.
        train: What is trained on.
        test: What is only evaluated on.
        num_classes: Labels are 0 to ``num_classes - 1``.
        source_sha256: Digest of the published files that it was read from, if it was.

    Raises:
        UsageError: If the parts differ in shape or a label is out of range.

    Example:
        >>> part = Split(torch.zeros(3, 1, 8, 8), torch.tensor([0, 1, 1]))
        >>> Dataset("tiny", part, part, num_classes=2)
        Dataset('tiny', 3 train + 3 test examples of (1, 8, 8), 2 classes, on cpu)
    """

    name: str
    train: Split
    test: Split
    num_classes: int
    source_sha256: str | None = None

    def __post_init__(self) -> None:
        """Refuse parts of two shapes and labels that are no class."""
        test_shape = tuple(self.test.inputs.shape[1:])
        if self.input_shape != test_shape:
            raise UsageError(
                f"{self.name}: training examples of {self.input_shape}, test examples of "
                f"{test_shape}: allowed is one shape; check that both come from the same data set"
            )
        labels = torch.cat([self.train.labels, self.test.labels])
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= self.num_classes:
            raise UsageError(
                f"{self.name}: labels from {low} to {high}: allowed is 0 to "
                f"{self.num_classes - 1}; count classes from 0 or set num_classes={high + 1}"
            )

    @cached_property
    def sha256(self) -> str:
        """Digest of what it was read from, else of every number in it.

        The files' own, where there are some: normalized numbers can differ in their last bit
        between machines, on which a run may well go on.
        """
        if self.source_sha256 is not None:
            return self.source_sha256
        total = hashlib.sha256()
        for part in (self.train, self.test):
            for tensor in (part.inputs, part.labels):
                total.update(f"{tuple(tensor.shape)}".encode())
                total.update(tensor.cpu().contiguous().numpy().data)
        return total.hexdigest()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example, without N."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def num_examples(self) -> int:
        """Number of training examples."""
        return len(self.train)

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, {len(self.train)} train + {len(self.test)} test examples of "
            f"{self.input_shape}, {self.num_classes} classes, on {self.train.inputs.device})"
        )

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data set on ``device``."""
        parts = self.train.to(device), self.test.to(device)
        return Dataset(self.name, *parts, self.num_classes, self.source_sha256)
