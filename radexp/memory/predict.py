"""Predict what autograd will hold, before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from radexp.layers import LeanLayer
from radexp.memory.ledger import LayerLedger
from radexp.memory.meter import SavedBytesMeter


def predict_saved_bytes(
    model: nn.Module,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
) -> int:
    """Predict the saved-for-backward bytes of one training step, parameters apart.

    Args:
        model: The network, randomized or not, on the ``meta`` device.
        loss_function: Maps outputs and labels to the loss.
        x: A batch of inputs on the ``meta`` device.
        y: Its labels.

    Returns:
        The bytes that ``SavedBytesMeter`` will measure on a real step of these shapes.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     model, x, y = nn.Linear(8, 2), torch.empty(5, 8), torch.empty(5).long()
        >>> predict_saved_bytes(model, nn.functional.cross_entropy, x, y)  # x, log p, y, weight
        244
    """
    return sum(predict_by_layer(model, loss_function, x, y).values())


def predict_by_layer(
    model: nn.Module,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
) -> dict[str, int]:
    """Predict the saved-for-backward bytes of each layer, and of the loss.

    Lean layers give theirs in closed form, ``LeanLayer.saved_bytes``. What stock modules save is
    PyTorch's business: they are run once on the ``meta`` device, where tensors have a shape and
    no memory, under the same meter that measures real steps. Lean layers run as their stock
    modules there, unmetered, and draw no randomness.

    Args:
        model: The network, randomized or not, on the ``meta`` device.
        loss_function: Maps outputs and labels to the loss.
        x: A batch of inputs on the ``meta`` device.
        y: Its labels.

    Returns:
        Bytes by the layer's name, in the order of the network; a storage that several layers keep
        is booked to the first.
    """
    lean = {name: layer for name, layer in model.named_modules() if isinstance(layer, LeanLayer)}
    closed_forms = dict.fromkeys(lean, 0)

    def dry_forward(name: str, layer: LeanLayer) -> Callable[..., Any]:
        def forward(*inputs: Any, **named: Any) -> Any:
            closed_forms[name] += layer.saved_bytes(*inputs, **named)
            meter.pause()
            outputs = layer.dry_forward(*inputs, **named)
            meter.resume()
            return outputs

        return forward

    for name, layer in lean.items():
        layer.__dict__["forward"] = dry_forward(name, layer)
    try:
        with SavedBytesMeter(model.parameters()) as meter, LayerLedger(model, meter) as ledger:
            loss = loss_function(model(x), y)
        del loss  # only now: what it holds was to be counted
    finally:
        for layer in lean.values():
            del layer.__dict__["forward"]
    return {name: size + closed_forms.get(name, 0) for name, size in ledger.saved_bytes.items()}


def parameter_bytes(model: nn.Module) -> int:
    """Return the bytes of a model's parameters, shared ones once."""
    return sum(parameter.numel() * parameter.itemsize for parameter in model.parameters())
