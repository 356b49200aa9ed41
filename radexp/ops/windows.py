"""Where a pooling window found its maximum, told in as few bits as the window's size needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from radexp.kernels.geometry import Pair
from radexp.packing.codes import code_bytes, pack_codes, unpack_codes


@dataclass(frozen=True)
class Windows:
    """The windows of a two-dimensional pooling, (height, width) throughout.

    PyTorch names the maximum of window (i, j) by its place in the image, an int64. The place of
    the window's corner follows from (i, j),

        corner(i, j) = (i * stride_h - padding_h) * W + j * stride_w - padding_w,

    so only the difference needs keeping: one of the ``size`` numbers ``a * dilation_h * W +
    b * dilation_w``, for entry (a, b) of the window. They are numbered, and the number is packed
    in ``bits`` bits.

    Args:
        image: Height and width of the input.
        kernel: Of the window.
        stride: From one window to the next.
        padding: Of the input, with minus infinity, on both sides.
        dilation: From one entry of a window to the next.
        ceil_mode: Whether windows may begin inside the input and end outside.

    Example:
        >>> windows = Windows((4, 4), (2, 2), (2, 2), (0, 0), (1, 1))
        >>> kept = windows.pack(torch.tensor([[0, 3], [9, 14]]))
        >>> kept.numel(), windows.unpack(kept, torch.Size([2, 2])).tolist()
        (1, [[0, 3], [9, 14]])
    """

    image: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    ceil_mode: bool = False

    @property
    def size(self) -> int:
        """Entries of a window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def bits(self) -> int:
        """Bits that tell the entries of a window apart: ceil(log2(size))."""
        return (self.size - 1).bit_length()

    @property
    def outputs(self) -> Pair:
        """Windows down and across, as PyTorch counts them."""
        return self._count(0), self._count(1)

    def saved_bytes(self, images: int) -> int:
        """Return the bytes that ``pack`` takes for the windows of so many images."""
        down, across = self.outputs
        return code_bytes(images * down * across, self.bits)

    def pack(self, indices: Tensor, channels_last: bool = False) -> Tensor:
        """Pack the places of the maxima.

        Args:
            indices: int64, shape (..., *outputs), from ``max_pool2d_with_indices``.
            channels_last: Whether four dimensions are in the order of that layout: no copies then.

        Returns:
            uint8 tensor; its size for the windows of n images is ``saved_bytes(n)``.
        """
        corners = self._corners(indices.device)
        multiplier, differences = _numbering(self.image[1], self.kernel, self.dilation)
        if multiplier is None:
            code_of = torch.zeros(differences[-1] + 1, dtype=torch.int32, device=indices.device)
            numbers = torch.arange(len(differences), dtype=torch.int32, device=indices.device)
            code_of[torch.tensor(differences, device=indices.device)] = numbers
            codes = code_of.index_select(0, (indices - corners).flatten()).view(indices.shape)
            codes = codes.to(torch.uint8) if self.bits <= 8 else codes
        else:  # each step wraps around at 256, and moves an eighth of what int64 would
            codes = indices.to(torch.uint8).sub_(corners.to(torch.uint8))
            codes.mul_(multiplier).bitwise_right_shift_(8 - self.bits)
        return pack_codes(codes.permute(0, 2, 3, 1) if channels_last else codes, self.bits)

    def unpack(self, packed: Tensor, shape: torch.Size, channels_last: bool = False) -> Tensor:
        """Return the places of the maxima again, in fresh memory.

        Args:
            packed: From ``pack``.
            shape: Of the indices, (..., *outputs).
            channels_last: As it was packed.
        """
        _, differences = _numbering(self.image[1], self.kernel, self.dilation)
        table = torch.tensor(differences, device=packed.device)
        if self.bits and 8 % self.bits == 0:  # all the codes of a byte in one go
            shifts = torch.arange(0, 8, self.bits, device=packed.device)
            codes = torch.arange(256, device=packed.device).unsqueeze(1) >> shifts
            table = table[(codes % 2**self.bits).clamp_(max=len(differences) - 1)]
            places = table.index_select(0, packed.int()).view(-1)[: shape.numel()]
        else:
            places = table.index_select(0, unpack_codes(packed, shape.numel(), self.bits))
        if channels_last:
            places = places.view(shape[0], *shape[2:], shape[1]).permute(0, 3, 1, 2)
        return places.view(shape).add_(self._corners(packed.device))

    def _corners(self, device: torch.device) -> Tensor:
        """Return the place of each window's first entry, in the padding or not: (outputs)."""
        down, across = (
            torch.arange(count, device=device) * stride - padding
            for count, stride, padding in zip(self.outputs, self.stride, self.padding, strict=True)
        )
        return down.unsqueeze(1) * self.image[1] + across

    def _count(self, axis: int) -> int:
        """Return the windows along one axis."""
        padding, stride = self.padding[axis], self.stride[axis]
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        room = self.image[axis] + 2 * padding - reach
        count = (room + (stride - 1 if self.ceil_mode else 0)) // stride + 1
        begins_outside = (count - 1) * stride >= self.image[axis] + padding
        return count - 1 if self.ceil_mode and begins_outside else count


@cache
def _numbering(width: int, kernel: Pair, dilation: Pair) -> tuple[int | None, tuple[int, ...]]:
    """Number the entries of a window by their difference in place from its corner.

    Looking numbers up in a table takes longer than all the rest of packing. So a multiplier is
    sought for which the top bits of ``multiplier * difference mod 256`` differ for all entries:
    these bits are then the number. For kernels up to 3 there is one for nearly every width.

    Returns:
        The multiplier, or None where there is none, and the difference of each number, ascending
        in the latter case.
    """
    rows, columns = (range(0, k * d, d) for k, d in zip(kernel, dilation, strict=True))
    differences = sorted({row * width + column for row in rows for column in columns})
    bits = (kernel[0] * kernel[1] - 1).bit_length()
    for multiplier in range(256) if len(differences) <= 256 else ():
        difference_of = {d * multiplier % 256 >> (8 - bits): d for d in differences}
        if len(difference_of) == len(differences):
            numbers = range(max(difference_of) + 1)
            return multiplier, tuple(difference_of.get(number, 0) for number in numbers)
    return None, tuple(differences)
