"""Which layer holds how many of the bytes that autograd holds."""

from __future__ import annotations

from collections import defaultdict
from types import TracebackType
from typing import Any

from torch import nn

from radexp.memory.meter import SavedBytesMeter

LOSS = "loss"


class LayerLedger:
    """Split what a meter counts by the layer in whose forward pass it was saved.

    A storage that several layers save, such as a stock ReLU's output that the next layer keeps as
    its input, is booked to the first. What no layer without children saved is the loss's.

    Args:
        model: The network.
        meter: The meter, active around the same forward pass.

    Attributes:
        saved_bytes: Bytes by the layer's name, in the order of the network.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
        >>> with SavedBytesMeter(model.parameters()) as meter, LayerLedger(model, meter) as ledger:
        ...     loss = model(torch.ones(5, 8)).exp().sum()
        >>> ledger.saved_bytes
        {'0': 160, '1': 80, 'loss': 80}
    """

    def __init__(self, model: nn.Module, meter: SavedBytesMeter) -> None:
        leaves = {
            name: module for name, module in model.named_modules() if not [*module.children()]
        }
        self.saved_bytes: dict[str, int] = dict.fromkeys(leaves, 0)
        self._meter, self._leaves = meter, leaves
        self._before: dict[nn.Module, int] = defaultdict(int)

    def __enter__(self) -> LayerLedger:
        self._handles = []
        for name, module in self._leaves.items():
            self._handles.append(module.register_forward_pre_hook(self._note))
            self._handles.append(module.register_forward_hook(self._book(name)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self.saved_bytes[LOSS] = self._meter.held_bytes - sum(self.saved_bytes.values())

    def _note(self, module: nn.Module, inputs: Any) -> None:
        self._before[module] = self._meter.held_bytes

    def _book(self, name: str) -> Any:
        def book(module: nn.Module, inputs: Any, outputs: Any) -> None:
            self.saved_bytes[name] += self._meter.held_bytes - self._before[module]

        return book
