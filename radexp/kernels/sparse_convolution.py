"""Weight gradient of a convolution whose input has few entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from radexp.kernels.geometry import Geometry
from radexp.kernels.parallel import compiled, run_parts

# Examples are summed in this many parts, whatever the threads, so that rounding is the same.
NUM_PARTS = 16


def sparse_window_products(
    g_NOHW: Tensor, values_RK: Tensor, positions_RK: Tensor, num_inputs: int, geometry: Geometry
) -> Tensor:
    """Return the weight gradient of a convolution of an input that is zero but for K positions.

    Entry ``v`` at position ``q`` of channel ``c`` adds ``v * g[o, (q + padding - t * dilation) /
    stride]`` to ``dW[o, c, t]`` for every tap ``t`` that such an output exists for: ``v`` times a
    window of ``g``, turned around. One example's ``g`` at a time is laid out with zeros around
    and between it and with channels last, so that every window is a few contiguous stretches.

    Shapes: N examples, C and O channels of input and output, H W space of the output, R = N C
    rows of the input, K kept of each.

    Args:
        g_NOHW: Contiguous, float32 or float64, on the CPU.
        values_RK: Entries of each example and channel; those at equal positions add up.
        positions_RK: Their positions in the flattened input, int64; (1, K) if shared by all.
        num_inputs: Channels C of the input.
        geometry: The convolution.

    Returns:
        The gradient, shape (O, C / groups, kernel height, kernel width).

    Example:
        >>> import torch
        >>> one = torch.ones(1, 1)
        >>> geometry = Geometry((2, 2), (1, 1), (1, 1), (0, 0), (1, 1), 1)
        >>> g = torch.arange(4.0).view(1, 1, 2, 2)
        >>> sparse_window_products(g, one, torch.tensor([[3]]), 1, geometry).item()
        3.0
    """
    num_examples, num_outputs = g_NOHW.shape[:2]
    (kernel_h, kernel_w), groups = geometry.kernel, geometry.groups
    outputs, inputs = num_outputs // groups, num_inputs // groups
    num_parts = max(1, min(NUM_PARTS, num_examples))
    sums = g_NOHW.new_zeros(num_parts, num_inputs, kernel_h * kernel_w * outputs)
    g, values, positions = (tensor.numpy() for tensor in (g_NOHW, values_RK, positions_RK))
    numbers = np.array(
        [geometry.size, geometry.kernel, geometry.stride, geometry.padding, geometry.dilation]
    )

    def part(index: int) -> None:
        start, stop = (num_examples * i // num_parts for i in (index, index + 1))
        _add_windows(g, values, positions, numbers, groups, sums[index].numpy(), start, stop)

    run_parts(part, num_parts)
    flipped = sums.sum(0).view(groups, inputs, kernel_h, kernel_w, outputs)
    turned = flipped.permute(0, 4, 1, 2, 3).flip(3, 4)
    return turned.reshape(num_outputs, inputs, kernel_h, kernel_w)


@compiled()
def _add_windows(
    g: Any,
    values: Any,
    positions: Any,
    geometry: Any,
    groups: int,
    sums: Any,
    start: int,
    stop: int,
) -> None:
    """Add the windows of examples ``start`` to ``stop`` to ``sums`` (C, kernel h * w * O)."""
    size, kernel, dilation = geometry[0], geometry[1], geometry[4]
    outputs, inputs = g.shape[1] // groups, len(sums) // groups
    row = (size[1] + (kernel[1] - 1) * dilation[1]) * outputs
    space = np.zeros((size[0] + (kernel[0] - 1) * dilation[0]) * row, g.dtype)
    # With dilation 1 the taps of a kernel's row are one stretch.
    stretches = 1 if dilation[1] == 1 else kernel[1]
    length = outputs * (kernel[1] // stretches)
    shared = len(positions) == 1
    # Eight entries at a time, for one load and store of the sums; those missing at the end are 0.
    entries = np.zeros(-(-values.shape[1] // 8) * 8, g.dtype)
    starts = np.zeros(len(entries), np.int64)
    for n in range(start, stop):
        for group in range(groups):
            _lay_out(g[n, group * outputs : (group + 1) * outputs], geometry, row, space)
            for c in range(group * inputs, (group + 1) * inputs):
                r = n * len(sums) + c
                entries[: values.shape[1]] = values[r]
                _locate(positions[0 if shared else r], size[1], row, outputs, starts)
                for k in range(0, len(entries), 8):
                    _add_eight(
                        space,
                        entries[k:],
                        starts[k:],
                        sums[c],
                        (kernel[0], dilation[0] * row),
                        (stretches, dilation[1] * outputs, length),
                    )


@compiled(inline=True)
def _lay_out(g: Any, geometry: Any, row: int, space: Any) -> None:
    """Write one example's ``g`` (O, H, W) into ``space``, channels last; the rest stays zero."""
    size, kernel, stride, padding, dilation = geometry
    outputs = g.shape[0]
    margin = (kernel - 1) * dilation
    shift_y, shift_x = margin[0] - padding[0], margin[1] - padding[1]
    first_x = max(0, -(shift_x // stride[1]))
    last_x = min(g.shape[2] - 1, (size[1] + margin[1] - 1 - shift_x) // stride[1])
    hop = stride[1] * outputs
    for y in range(g.shape[1]):
        at_y = y * stride[0] + shift_y
        if 0 <= at_y < size[0] + margin[0]:
            fours = outputs // 4 * 4  # four channels at once: their places are neighbours
            base = at_y * row + (first_x * stride[1] + shift_x) * outputs
            for o in range(0, fours, 4):
                s0, s1, s2, s3 = g[o, y], g[o + 1, y], g[o + 2, y], g[o + 3, y]
                target = space[base + o :]
                for x in range(last_x - first_x + 1):
                    at = x * hop
                    target[at] = s0[first_x + x]
                    target[at + 1] = s1[first_x + x]
                    target[at + 2] = s2[first_x + x]
                    target[at + 3] = s3[first_x + x]
            for o in range(fours, outputs):
                source = g[o, y]
                target = space[base + o :]
                for x in range(last_x - first_x + 1):
                    target[x * hop] = source[first_x + x]


@compiled(inline=True)
def _locate(places: Any, width: int, row: int, outputs: int, starts: Any) -> None:
    """Write where in ``space`` the windows of the input's ``places`` start."""
    for k in range(len(places)):
        place = np.uint32(places[k])  # dividing 32 bits takes a third of the time of 64
        y = place // np.uint32(width)
        starts[k] = y * row + (place - y * np.uint32(width)) * outputs


@compiled(inline=True)
def _add_eight(space: Any, entries: Any, starts: Any, sums: Any, taps: Any, stretches: Any) -> None:
    """Add eight windows of ``space``, times their entries, to ``sums`` (kernel h * w * O).

    Args:
        space: As ``_lay_out`` fills it.
        entries: Factors.
        starts: Where in ``space`` the windows start.
        sums: Of one input channel.
        taps: Rows of a window, and how far they are apart.
        stretches: Stretches of a row, how far they are apart, and their length.
    """
    (num_taps, tap_step), (num_stretches, stretch_step, length) = taps, stretches
    a0 = entries[0]
    a1 = entries[1]
    a2 = entries[2]
    a3 = entries[3]
    a4 = entries[4]
    a5 = entries[5]
    a6 = entries[6]
    a7 = entries[7]
    end = 0
    for tap in range(num_taps):
        for stretch in range(num_stretches):
            shift = tap * tap_step + stretch * stretch_step
            target = sums[end : end + length]
            end += length
            s0 = space[starts[0] + shift : starts[0] + shift + length]
            s1 = space[starts[1] + shift : starts[1] + shift + length]
            s2 = space[starts[2] + shift : starts[2] + shift + length]
            s3 = space[starts[3] + shift : starts[3] + shift + length]
            s4 = space[starts[4] + shift : starts[4] + shift + length]
            s5 = space[starts[5] + shift : starts[5] + shift + length]
            s6 = space[starts[6] + shift : starts[6] + shift + length]
            s7 = space[starts[7] + shift : starts[7] + shift + length]
            for i in range(length):
                target[i] += (
                    a0 * s0[i]
                    + a1 * s1[i]
                    + a2 * s2[i]
                    + a3 * s3[i]
                    + a4 * s4[i]
                    + a5 * s5[i]
                    + a6 * s6[i]
                    + a7 * s7[i]
                )
