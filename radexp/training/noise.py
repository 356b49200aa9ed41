"""Gradient noise: how far the estimates of a gradient are from the exact one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from radexp.training.task import Batch, Task

Gradient = dict[str, Tensor]


def gradient(model: nn.Module, task: Task, batch: Batch) -> Gradient:
    """Return the gradient of a batch's loss, one float64 vector for each layer.

    Args:
        model: Whose parameters; their ``grad`` is left alone.
        task: Whose loss.
        batch: Of the task.

    Returns:
        By layer, as named in the model: its parameters' gradients, flattened, one after the other.

    Example:
        >>> from radexp.training import Control
        >>> class Bowl(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.place = nn.Parameter(torch.tensor([3.0, -4.0]))
        ...     def forward(self):
        ...         return self.place.square().sum()
        >>> gradient(Bowl(), Control(), ())["place"].tolist()
        [6.0, -8.0]

    Source: ours.
    """
    return by_layer(model, differentiate(model, task, batch))


def differentiate(model: nn.Module, task: Task, batch: Batch) -> list[Tensor]:
    """Return the gradient of a batch's loss by each parameter that takes one, in their order.

    This is a training step's forward and backward pass, and nothing besides.

    Args:
        model: Whose parameters; their ``grad`` is left alone.
        task: Whose loss, and in which parts it is differentiated.
        batch: Of the task.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    total: list[Tensor] = []
    for share, part in task.parts(batch):
        loss, _ = task.loss(model, part)
        grads = torch.autograd.grad(loss * share, parameters)
        total = [a + b for a, b in zip(total, grads, strict=True)] if total else list(grads)
    return total


def by_layer(model: nn.Module, grads: Sequence[Tensor]) -> Gradient:
    """Return the gradients that ``differentiate`` returns as one float64 vector for each layer.

    Args:
        model: Whose parameters.
        grads: Their gradients.
    """
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    vectors: dict[str, list[Tensor]] = {}
    for name, grad in zip(names, grads, strict=True):
        vectors.setdefault(name.rpartition(".")[0] or name, []).append(grad.flatten())
    return {layer: torch.cat(of_layer).double() for layer, of_layer in vectors.items()}


def exact_gradient(model: nn.Module, task: Task) -> Gradient:
    """Return the gradient of the loss of the whole training set.

    Args:
        model: With stock layers, so that each part's gradient is exact.
        task: Its ``whole`` yields the parts.

    Returns:
        As ``gradient`` does.

    Example:
        >>> from radexp.training import Control
        >>> class Bowl(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.place = nn.Parameter(torch.tensor([3.0, -4.0]))
        ...     def forward(self):
        ...         return self.place.square().sum()
        >>> exact_gradient(Bowl(), Control())["place"].tolist()
        [6.0, -8.0]

    Source: ours.
    """
    total: Gradient = {}
    for share, batch in task.whole():
        for layer, part in gradient(model, task, batch).items():
            total[layer] = total[layer].add_(part, alpha=share) if layer in total else share * part
    return total


def gradient_noise(
    exact: nn.Module,
    models: Mapping[str, nn.Module],
    task: Task,
    reference: Gradient,
    repetitions: int,
    advance: Callable[[], object] = lambda: None,
) -> list[dict[str, Any]]:
    """Draw gradients of several models with equal weights on the same batches.

    With the exact gradient G, a batch's own gradient b and an estimate e of it, the error splits
    into ``e - G = (e - b) + (b - G)``: what the sketch adds, with mean zero whatever the batch,
    and what the batch adds. So ``E|e - G|^2 = E|e - b|^2 + E|b - G|^2``.

    Args:
        exact: The model with stock layers: its gradient is b.
        models: By name, those whose estimates are measured; ``exact`` may be one of them.
        task: Gives the batches.
        reference: G, as ``exact_gradient`` returns it.
        repetitions: Batches to draw, each with new sketches.
        advance: Called after each gradient that was taken.

    Returns:
        A row for each model, repetition and layer. All numbers are divided by the whole gradient's
        |G|^2, so that they add up over layers: ``reference`` |G|^2 of the layer, ``total``
        |e - G|^2, ``sketch`` |e - b|^2, ``batch`` |b - G|^2. Two have mean zero if the estimate is
        unbiased, with d = e - b, or e - G where the estimate is b itself: ``along`` <d, G>, and
        ``pair`` <d, d'> with the d' of the repetition before, at every second one (mean |E d|^2).

    Example:
        >>> from radexp.training import Control
        >>> class Bowl(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.place = nn.Parameter(torch.tensor([3.0, -4.0]))
        ...     def forward(self):
        ...         return self.place.square().sum()
        >>> bowl, task = Bowl(), Control()
        >>> (row,) = gradient_noise(bowl, {"exact": bowl}, task, exact_gradient(bowl, task), 1)
        >>> row["arm"], row["layer"], row["reference"], row["total"]
        ('exact', 'place', 1.0, 0.0)

    Source: ours; that E[e] = b given the batch is section 3 of the paper.
    """
    scale = float(sum(vector.square().sum() for vector in reference.values()))
    rows, before = [], dict[str, Gradient]()
    for repetition in range(repetitions):
        batch = task.next_batch()
        of_batch = gradient(exact, task, batch)
        advance()
        for name, model in models.items():
            estimate = of_batch if model is exact else gradient(model, task, batch)
            advance()
            target = reference if model is exact else of_batch
            deviations = {layer: estimate[layer] - target[layer] for layer in reference}
            for layer, exactly in reference.items():
                deviation = deviations[layer]
                numbers = {
                    "reference": exactly @ exactly,
                    "total": (estimate[layer] - exactly).square().sum(),
                    "sketch": (estimate[layer] - of_batch[layer]).square().sum(),
                    "batch": (of_batch[layer] - exactly).square().sum(),
                    "along": deviation @ exactly,
                    "pair": before[name][layer] @ deviation if repetition % 2 else torch.nan,
                }
                row = {key: float(number) / scale for key, number in numbers.items()}
                rows.append({"arm": name, "layer": layer, "repetition": repetition, **row})
            before[name] = deviations
    return rows
