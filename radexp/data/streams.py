"""Which examples a training run sees: seeded bootstraps and endless streams of batches.

Indices are drawn on the CPU from generators of their own, so a run sees the same examples on
every device. Give each purpose its own seed: a bootstrap and a stream of equal seed would draw
the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from radexp.errors import UsageError


def bootstrap_indices(num_examples: int, seed: int) -> Tensor:
    """Draw one bootstrap of a data set: as many examples as it has, with replacement.

    Each entry is uniform on 0 to N - 1, so a bootstrap holds each example with probability
    1 - (1 - 1/N)^N, about 63.2%.

    Args:
        num_examples: N, at least 1.
        seed: Names the bootstrap; equal seeds give equal bootstraps.

    Returns:
        int64 indices ``(N,)``, on the CPU.

    Raises:
        UsageError: If there is no example.

    Example:
        >>> chosen = bootstrap_indices(1000, seed=0)
        >>> chosen.shape, 600 < len(chosen.unique()) < 660
        (torch.Size([1000]), True)

    Source: B. Efron, Bootstrap methods: another look at the jackknife, 1979.
    """
    _require_positive("num_examples", num_examples)
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_examples, (num_examples,), generator=generator)


def hold_out_indices(num_examples: int, num_held_out: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw the part of a data set that is held out: without replacement, every subset as likely.

    Draw a bootstrap from the rest, not the other way round: a bootstrap repeats examples, and one
    of them could be on both sides.

    Args:
        num_examples: N, at least 1.
        num_held_out: From 0 to N - 1.
        seed: Names the draw.

    Returns:
        int64 indices ``(N - num_held_out,)`` of the rest and ``(num_held_out,)`` of the part that
        is held out, each in rising order, on the CPU.

    Raises:
        UsageError: If nothing would be left to train on.

    Example:
        >>> rest, held_out = hold_out_indices(1000, 200, seed=0)
        >>> len(rest), len(held_out), len(torch.cat([rest, held_out]).unique())
        (800, 200, 1000)
    """
    _require_positive("num_examples", num_examples)
    if not 0 <= num_held_out < num_examples:
        raise UsageError(
            f"training.holdout={num_held_out}: allowed is 0 to {num_examples - 1} of "
            f"{num_examples} training examples; try training.holdout={num_examples // 10}"
        )
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(num_examples, generator=generator)
    return order[num_held_out:].sort().values, order[:num_held_out].sort().values


class IndexStream:
    """Endless batches of indices, drawn uniformly with replacement.

    A resumed stream goes on with exactly the batches that an uninterrupted one would give.

    Args:
        num_examples: N, the size of the data set.
        batch_size: B, indices per batch.
        seed: Names the stream.
        indices: Draw from these, for example a bootstrap; None: from all of 0 to N - 1.

    Raises:
        UsageError: If a size is below 1 or an index is out of range.

    Example:
        >>> stream = IndexStream(1797, batch_size=4, seed=0)
        >>> stream
        IndexStream(num_examples=1797, batch_size=4, seed=0, drawing from 1797)
        >>> state = stream.state_dict()
        >>> batch = stream.next_batch()
        >>> stream.load_state_dict(state)
        >>> torch.equal(batch, stream.next_batch())
        True
    """

    def __init__(
        self, num_examples: int, batch_size: int, seed: int, indices: Tensor | None = None
    ) -> None:
        _require_positive("num_examples", num_examples)
        _require_positive("batch_size", batch_size)
        self.num_examples = num_examples
        self.batch_size = batch_size
        self.seed = seed
        self._indices = None if indices is None else _checked(indices, num_examples)
        self._num_drawn_from = num_examples if indices is None else len(indices)
        self._generator = torch.Generator().manual_seed(seed)

    def __repr__(self) -> str:
        return (
            f"IndexStream(num_examples={self.num_examples}, batch_size={self.batch_size}, "
            f"seed={self.seed}, drawing from {self._num_drawn_from})"
        )

    def next_batch(self) -> Tensor:
        """Return the next batch: int64 ``(B,)``, on the CPU."""
        positions = torch.randint(
            self._num_drawn_from, (self.batch_size,), generator=self._generator
        )
        # index_select takes half the time of indexing with brackets.
        return positions if self._indices is None else self._indices.index_select(0, positions)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs, as ``torch.load(weights_only=True)`` accepts it."""
        return {**self._identity(), "generator": self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the stream that gave ``state`` was.

        Raises:
            UsageError: If that stream had other sizes or another seed.
        """
        saved = {key: state.get(key) for key in self._identity()}
        if saved != self._identity():
            raise UsageError(
                f"state of a stream with {saved}: allowed is {self._identity()}; "
                "resume with the settings of the first run"
            )
        self._generator.set_state(state["generator"].cpu())

    def _identity(self) -> dict[str, int]:
        """Return what two streams must share to give the same batches."""
        return {
            "num_examples": self.num_examples,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "num_drawn_from": self._num_drawn_from,
        }


def _checked(indices: Tensor, num_examples: int) -> Tensor:
    """Return the indices on the CPU, if they are some."""
    if indices.dtype != torch.int64 or indices.ndim != 1 or len(indices) == 0:
        raise UsageError(
            f"indices of {indices.dtype} and shape {tuple(indices.shape)}: allowed is torch.int64 "
            "of one dimension, at least 1 entry; see bootstrap_indices"
        )
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= num_examples:
        raise UsageError(
            f"indices from {low} to {high}: allowed is 0 to {num_examples - 1}; "
            "draw them for this data set"
        )
    return indices.cpu()


def _require_positive(name: str, value: int) -> None:
    """Raise a UsageError unless the value is at least 1."""
    if value < 1:
        raise UsageError(f"{name}={value}: allowed is at least 1; try {name}=1")
