"""Measure the peak memory of a whole training step, by category."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from radexp.memory.meter import SavedBytesMeter, storage_key


class StepPeak(TorchDispatchMode):
    """Follow every storage that lives during one step and remember the moment of the peak.

    Categories: ``parameters``, ``gradients`` (those assigned to a parameter), ``optimizer``
    (its state), ``batch`` (the examples and labels), ``saved`` (held for the backward pass, by the
    meter) and ``workspace`` (everything else in flight: activations, gradients of activations,
    temporaries). ``total`` is their sum. A storage in several categories counts in the first of
    these. Seen are all tensors that PyTorch operations return; scratch memory that a library
    allocates inside one operation is seen on CUDA only, where ``max_memory_allocated`` decides
    the total and the difference goes to ``workspace``.

    Args:
        model: The network.
        optimizer: Its optimizer.
        batch: The tensors of the batch.
        meter: The meter of the same step, active around its forward pass.

    Attributes:
        peak_bytes: Bytes by category at the peak, and ``total``.

    Example:
        >>> model = nn.Linear(4, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> x, meter = torch.ones(3, 4), SavedBytesMeter(model.parameters())
        >>> with StepPeak(model, optimizer, [x], meter) as peak, meter:
        ...     model(x).sum().backward()
        >>> peak.peak_bytes["parameters"], peak.peak_bytes["batch"]
        (20, 48)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        batch: Iterable[Tensor],
        meter: SavedBytesMeter,
    ) -> None:
        super().__init__()
        self.peak_bytes: dict[str, int] = {"total": 0}
        self._model, self._optimizer, self._meter = model, optimizer, meter
        self._batch = [storage_key(tensor) for tensor in batch]
        self._alive: dict[int, int] = {}
        self._alive_bytes = 0
        self._device = next(model.parameters()).device
        for tensor in (*model.parameters(), *batch, *self._gradients(), *self._state()):
            self._follow(tensor)
        self._note_peak()

    def __enter__(self) -> StepPeak:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._others_bytes = torch.cuda.memory_allocated(self._device) - self._alive_bytes
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if self._device.type == "cuda":
            total = torch.cuda.max_memory_allocated(self._device) - self._others_bytes
            unseen = max(0, total - self.peak_bytes["total"])
            self.peak_bytes["workspace"] += unseen
            self.peak_bytes["total"] += unseen

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run an operation and follow the storages of what it returns."""
        result = function(*args, **(kwargs or {}))
        before = self._alive_bytes
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._follow(leaf)
        if self._alive_bytes > before and self._alive_bytes > self.peak_bytes["total"]:
            self._note_peak()
        return result

    def _follow(self, tensor: Tensor) -> None:
        storage, key = tensor.untyped_storage(), storage_key(tensor)
        if key not in self._alive and tensor.device == self._device:
            self._alive[key] = storage.nbytes()
            self._alive_bytes += storage.nbytes()
            # Weakly bound: else a storage that outlives the step would keep all of this alive.
            weakref.finalize(storage, _forget, weakref.ref(self), key)

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self._model.parameters() if p.grad is not None]

    def _state(self) -> list[Tensor]:
        return [
            leaf for leaf in tree_leaves(dict(self._optimizer.state)) if isinstance(leaf, Tensor)
        ]

    def _note_peak(self) -> None:
        category: dict[int, str] = {}
        for name, keys in (
            ("parameters", map(storage_key, self._model.parameters())),
            ("gradients", map(storage_key, self._gradients())),
            ("optimizer", map(storage_key, self._state())),
            ("batch", self._batch),
            ("saved", self._meter.held_keys()),
        ):
            for key in keys:
                category.setdefault(key, name)
        names = ("parameters", "gradients", "optimizer", "batch", "saved", "workspace")
        self.peak_bytes = dict.fromkeys(names, 0)
        for key, size in self._alive.items():
            self.peak_bytes[category.get(key, "workspace")] += size
        self.peak_bytes["total"] = self._alive_bytes


def _forget(peak: weakref.ref[StepPeak], key: int) -> None:
    """Take a storage that is freed off the list, if anyone still keeps one."""
    if (watcher := peak()) is not None:
        watcher._alive_bytes -= watcher._alive.pop(key)
