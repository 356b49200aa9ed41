"""Sizes in two dimensions of space."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """How a 2d convolution lies on its input; pairs are height and width.

    Attributes:
        size: Of the input.
        kernel: Of the kernel.
        stride: Step between windows.
        padding: Zeros around the input.
        dilation: Step inside a window.
        groups: Independent groups of channels.
    """

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
