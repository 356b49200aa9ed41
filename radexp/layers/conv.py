"""``nn.Conv1d`` and ``nn.Conv2d`` over a sketch of their input."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from radexp.kernels.geometry import Pair
from radexp.layers.base import SketchedLayer
from radexp.ops.conv import sketched_conv2d, sketched_conv2d_saved_bytes
from radexp.ops.padding import lean_pad


class _SketchedConv(SketchedLayer, _ConvNd):
    """What the convolutions have in common: all is done in two dimensions of space."""

    stock: ClassVar[type[_ConvNd]]  # type: ignore[misc]

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer; without gradients it is the stock one and draws nothing."""
        right_rank = input.dim() in (self.weight.dim(), self.weight.dim() - 1)
        if not (right_rank and self.records(input)):  # PyTorch says best what is wrong
            return self.stock.forward(self, input)  # type: ignore[no-any-return]
        images, padding = self._as_images(input)
        lines = self.weight.dim() == 3
        y = sketched_conv2d(
            images,
            self.weight.unsqueeze(2) if lines else self.weight,
            self.bias,
            self.sketch,
            self.next_seed(),
            stride=_pair(self.stride, 1),
            padding=padding,
            dilation=_pair(self.dilation, 1),
            groups=self.groups,
        )
        y = y.squeeze(2) if lines else y
        return y if input.dim() == self.weight.dim() else y.squeeze(0)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        if not (self.records(input) and self.weight.requires_grad):
            return 0
        images, _ = self._as_images(input)
        return sketched_conv2d_saved_bytes(images.shape, images.dtype, self.sketch)

    def _as_images(self, x: Tensor) -> tuple[Tensor, Pair]:
        """Return the input as (N, C, H, W), and the zeros that are still to be put around it.

        Zeros of equal width on both sides are the convolution's business; all else that a layer
        may pad with is put around the input here, as PyTorch does.
        """
        margins = tuple(self._reversed_padding_repeated_twice)  # of the last dimension first
        before, after = margins[::2], margins[1::2]
        padding = tuple(reversed(before))
        if self.padding_mode != "zeros" or before != after:
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x, padding = lean_pad(x, margins, mode), (0,) * len(before)
        if x.dim() < self.weight.dim():
            x = x.unsqueeze(0)
        return (x.unsqueeze(2) if self.weight.dim() == 3 else x), _pair(padding, 0)


class SketchedConv2d(_SketchedConv, nn.Conv2d):
    """``nn.Conv2d`` that keeps a sketch of its input; made by ``randomize``."""

    stock = nn.Conv2d


class SketchedConv1d(_SketchedConv, nn.Conv1d):
    """``nn.Conv1d`` that keeps a sketch of its input; made by ``randomize``."""

    stock = nn.Conv1d


def _pair(numbers: tuple[int, ...], missing: int) -> Pair:
    """Return two numbers; those of one dimension are the second."""
    first, second = numbers if len(numbers) == 2 else (missing, *numbers)
    return first, second
