"""``nn.Conv1d`` and ``nn.Conv2d`` over a sketch of their input."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from radexp.kernels.windows import Pair
from radexp.layers.base import SketchedLayer
from radexp.ops.conv import sketched_conv2d, sketched_conv2d_saved_bytes


class _SketchedConv(SketchedLayer):
    """What the convolutions have in common: all is done in two dimensions of space."""

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer; without gradients it is the stock one and draws nothing."""
        right_rank = x.dim() in (self.weight.dim(), self.weight.dim() - 1)
        if not (right_rank and self.records(x)):  # PyTorch says best what is wrong
            return self.stock.forward(self, x)  # type: ignore[attr-defined, no-any-return]
        return _convolve(self, x)

    def saved_bytes(self, x: Tensor) -> int:
        """Return the bytes that ``forward(x)`` keeps when gradients are on."""
        return _saved_bytes(self, x)


class SketchedConv2d(_SketchedConv, nn.Conv2d):
    """``nn.Conv2d`` that keeps a sketch of its input; made by ``randomize``."""

    stock = nn.Conv2d


class SketchedConv1d(_SketchedConv, nn.Conv1d):
    """``nn.Conv1d`` that keeps a sketch of its input; made by ``randomize``."""

    stock = nn.Conv1d


def _convolve(layer: Any, x: Tensor) -> Tensor:
    """Apply a layer in two dimensions of space, the first of size 1 if it has but one."""
    images, padding = _as_images(layer, x)
    lines = layer.weight.dim() == 3
    y = sketched_conv2d(
        images,
        layer.weight.unsqueeze(2) if lines else layer.weight,
        layer.bias,
        layer.sketch,
        layer.seeds.next(),
        stride=_pair(layer.stride, 1),
        padding=padding,
        dilation=_pair(layer.dilation, 1),
        groups=layer.groups,
    )
    y = y.squeeze(2) if lines else y
    return y if x.dim() == layer.weight.dim() else y.squeeze(0)


def _saved_bytes(layer: Any, x: Tensor) -> int:
    if not (layer.records(x) and layer.weight.requires_grad):
        return 0
    images, _ = _as_images(layer, x)
    # PyTorch's padding of these kinds keeps its input, for its shape.
    padding_keeps = x.requires_grad and layer.padding_mode in ("reflect", "replicate")
    kept = sketched_conv2d_saved_bytes(images.shape, images.dtype, layer.sketch)
    return kept + x.nbytes if padding_keeps else kept


def _as_images(layer: Any, x: Tensor) -> tuple[Tensor, Pair]:
    """Return the input as (N, C, H, W), and the zeros that are still to be put around it.

    Zeros of equal width on both sides are the convolution's business; all else that a layer may
    pad with is put around the input here, as PyTorch does.
    """
    margins = tuple(layer._reversed_padding_repeated_twice)  # of the last dimension first
    before, after = margins[::2], margins[1::2]
    padding = tuple(reversed(before))
    if layer.padding_mode != "zeros" or before != after:
        mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
        x, padding = F.pad(x, margins, mode), (0,) * len(before)
    if x.dim() < layer.weight.dim():
        x = x.unsqueeze(0)
    return (x.unsqueeze(2) if layer.weight.dim() == 3 else x), _pair(padding, 0)


def _pair(numbers: tuple[int, ...], missing: int) -> Pair:
    """Return two numbers; those of one dimension are the second."""
    first, second = numbers if len(numbers) == 2 else (missing, *numbers)
    return first, second
