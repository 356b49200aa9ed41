"""ReLU and the average pooling that follows it, in one pass over the entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from radexp.kernels.geometry import Pair
from radexp.kernels.masks import SELECTORS_OF_SIZE, as_integers, relu_to_bits
from radexp.kernels.parallel import compiled, run_parts

# Channels of one example that one thread takes at a time.
PART_PLANES = 128


def relu_avg_pool(x_NCHW: Tensor, window: Pair) -> tuple[Tensor, Tensor]:
    """Return ``avg_pool2d(relu(x), window)`` and ReLU's bits; ``relu(x)`` is never whole in memory.

    Args:
        x_NCHW: Contiguous, float32 or float64, on the CPU; W is a multiple of 8.
        window: Height and width of the windows, which do not overlap.

    Returns:
        The means, of shape (N, C, H // height, W // width), summed in PyTorch's order, and the
        bits, uint8, of shape (N C H W / 8,).

    Example:
        >>> x = torch.arange(-8.0, 8.0).view(1, 1, 2, 8)
        >>> y, bits = relu_avg_pool(x, (2, 2))
        >>> y.tolist(), bits.tolist()
        ([[[[0.25, 1.25, 2.25, 3.25]]]], [0, 254])
    """
    planes, rows, columns = _planes(x_NCHW.shape)
    y = x_NCHW.new_empty(*x_NCHW.shape[:2], rows // window[0], columns // window[1])
    packed = torch.empty(x_NCHW.numel() // 8, dtype=torch.uint8)
    operands = (
        x_NCHW.view(planes, rows * columns).numpy(),
        y.view(planes, *y.shape[2:]).numpy(),
        packed.view(planes, rows * columns // 8).numpy(),
    )

    def part(index: int) -> None:
        start = index * PART_PLANES
        _relu_and_pool(*operands, columns, *window, start, min(planes, start + PART_PLANES))

    run_parts(part, -(-planes // PART_PLANES))
    return y, packed


def relu_avg_pool_backward(
    g_NCHW: Tensor, packed: Tensor, shape: torch.Size, window: Pair
) -> Tensor:
    """Return the gradient of ``relu_avg_pool``'s input from that of its output.

    Args:
        g_NCHW: Contiguous, float32 or float64, on the CPU.
        packed: The bits that ``relu_avg_pool`` returned.
        shape: Of the input, (N, C, H, W).
        window: Height and width of the windows.
    """
    planes, rows, columns = _planes(shape)
    grad_x = g_NCHW.new_empty(shape)
    selectors = SELECTORS_OF_SIZE[g_NCHW.itemsize]
    means = (g_NCHW / (window[0] * window[1])).view(planes, *g_NCHW.shape[2:])
    operands = (
        as_integers(means).numpy(),
        packed.view(planes, rows, columns // 8).numpy(),
        selectors,
        as_integers(grad_x).view(planes, rows, columns).numpy(),
    )

    def part(index: int) -> None:
        start = index * PART_PLANES
        _spread(*operands, *window, start, min(planes, start + PART_PLANES))

    run_parts(part, -(-planes // PART_PLANES))
    return grad_x


def _planes(shape: torch.Size) -> tuple[int, int, int]:
    return shape[0] * shape[1], shape[2], shape[3]


@compiled()
def _relu_and_pool(
    x: Any, y: Any, packed: Any, columns: int, height: int, width: int, start: int, stop: int
) -> None:
    """Apply ReLU to planes ``start`` to ``stop``, one at a time in a cache, and average it."""
    alive, plane = np.empty(x.shape[1], np.uint8), np.empty(x.shape[1], x.dtype)
    rows, count = plane.reshape(-1, columns), x.dtype.type(height * width)
    for p in range(start, stop):
        relu_to_bits(x[p], plane, alive, packed[p])
        for i in range(y.shape[1]):
            means = y[p, i]
            means[:] = 0
            for row in rows[i * height : (i + 1) * height]:
                for b in range(width):
                    for j in range(len(means)):
                        means[j] += row[j * width + b]
            for j in range(len(means)):
                means[j] /= count


@compiled()
def _spread(
    means: Any,
    packed: Any,
    selectors: Any,
    result: Any,
    height: int,
    width: int,
    start: int,
    stop: int,
) -> None:
    """Write each mean, read as an integer, to the places of its window that are alive."""
    row = np.zeros(result.shape[2], result.dtype)  # columns beyond the last window stay zero
    for p in range(start, stop):
        result[p, means.shape[1] * height :] = 0
        for i in range(means.shape[1]):
            for b in range(width):
                for j in range(means.shape[2]):
                    row[j * width + b] = means[p, i, j]
            for a in range(i * height, (i + 1) * height):
                target, bits = result[p, a], packed[p, a]
                for k in range(len(bits)):
                    selector = selectors[bits[k]]
                    for e in range(8):
                        target[8 * k + e] = row[8 * k + e] & selector[e]
