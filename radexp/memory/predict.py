"""Predict what autograd will hold, before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from radexp.layers import LeanLayer
from radexp.memory.meter import SavedBytesMeter


def predict_saved_bytes(
    model: nn.Module,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
) -> int:
    """Predict the saved-for-backward bytes of one training step, parameters apart.

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
        The bytes that ``SavedBytesMeter`` will measure on a real step of these shapes.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     model, x, y = nn.Linear(8, 2), torch.empty(5, 8), torch.empty(5).long()
        >>> predict_saved_bytes(model, nn.functional.cross_entropy, x, y)  # x, log p, y, weight
        244
    """
    lean = [module for module in model.modules() if isinstance(module, LeanLayer)]
    lean_bytes = 0

    def dry_forward(layer: LeanLayer, x: Tensor) -> Tensor:
        nonlocal lean_bytes
        lean_bytes += layer.saved_bytes(x)
        meter.pause()
        y: Tensor = layer.stock.forward(layer, x)  # type: ignore[attr-defined]
        meter.resume()
        return y

    for layer in lean:
        layer.__dict__["forward"] = dry_forward.__get__(layer)
    try:
        with SavedBytesMeter(model.parameters()) as meter:
            loss = loss_function(model(x), y)
        # Read before the graph is freed, and keep the loss alive until then.
        stock_bytes = meter.peak_bytes
        del loss
    finally:
        for layer in lean:
            del layer.__dict__["forward"]
    return stock_bytes + lean_bytes


def parameter_bytes(model: nn.Module) -> int:
    """Return the bytes of a model's parameters, shared ones once."""
    return sum(parameter.numel() * parameter.itemsize for parameter in model.parameters())
