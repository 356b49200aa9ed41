"""Measure what autograd holds for the backward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from types import TracebackType

import torch
from torch import Tensor


class _Held:
    """A saved tensor's ticket: the meter counts its storage for as long as the ticket lives."""

    __slots__ = ("key", "meter", "tensor")

    def __init__(self, meter: SavedBytesMeter, tensor: Tensor, key: int) -> None:
        self.meter, self.tensor, self.key = meter, tensor, key

    def __del__(self) -> None:
        self.meter._release(self)


class SavedBytesMeter:
    """Count the bytes that autograd holds for the backward pass, at their peak.

    A context manager over ``torch.autograd.graph.saved_tensors_hooks``. Each storage counts once
    and whole, also when only a view of it is saved, because it is the storage that stays
    allocated. Parameters are apart: they are there anyway. Only tensors that pass through
    ``save_for_backward`` can be seen. Works on the ``meta`` device too.

    Args:
        apart: Tensors whose storages do not count, usually ``model.parameters()``.

    Attributes:
        held_bytes: Bytes held now.
        peak_bytes: The most that was held at any time.

    Example:
        >>> x = torch.ones(100, requires_grad=True)
        >>> with SavedBytesMeter() as meter:
        ...     y = x.exp().sum()
        >>> meter.peak_bytes
        400
    """

    def __init__(self, apart: Iterable[Tensor] = ()) -> None:
        self.held_bytes = 0
        self.peak_bytes = 0
        self._apart = {storage_key(tensor) for tensor in apart}
        self._holders: Counter[int] = Counter()
        self._paused = False
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, self._unpack)

    def __enter__(self) -> SavedBytesMeter:
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.__exit__(kind, error, trace)

    def pause(self) -> None:
        """Stop counting what is saved from here on, until ``resume``."""
        self._paused = True

    def resume(self) -> None:
        """Count again."""
        self._paused = False

    def held_keys(self) -> list[int]:
        """Return the ``storage_key`` of every storage that is held now."""
        return list(self._holders)

    def _pack(self, tensor: Tensor) -> _Held | Tensor:
        key = storage_key(tensor)
        if self._paused or key in self._apart:
            return tensor
        if not self._holders[key]:
            self.held_bytes += tensor.untyped_storage().nbytes()
            self.peak_bytes = max(self.peak_bytes, self.held_bytes)
        self._holders[key] += 1
        # Detached: an operation's own output carries its grad_fn, which would hold this ticket.
        return _Held(self, tensor.detach(), key)

    def _unpack(self, held: _Held | Tensor) -> Tensor:
        return held.tensor if isinstance(held, _Held) else held

    def _release(self, held: _Held) -> None:
        self._holders[held.key] -= 1
        if not self._holders[held.key]:
            del self._holders[held.key]
            self.held_bytes -= held.tensor.untyped_storage().nbytes()

    def __repr__(self) -> str:
        return f"SavedBytesMeter(held_bytes={self.held_bytes}, peak_bytes={self.peak_bytes})"


def storage_key(tensor: Tensor) -> int:
    """Return what tells storages apart, on any device, while they are alive."""
    return int(tensor.untyped_storage()._cdata)
