"""Places of maxima, packed: every window's every entry comes back."""

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from radexp.ops.windows import Windows

KERNELS = [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 3), (4, 4), (5, 2), (17, 16)]
# 63, 127, 256: no multiplier tells a 2x2 window's differences apart; 2: rows overlap in place.
IMAGES = [(40, 2), (20, 17), (20, 32), (20, 63), (20, 127), (20, 256)]


def fits(windows):
    return all(count > 0 for count in windows.outputs)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (1, 3)], ids=str)
def test_every_entry_of_a_window_survives(kernel, image, dilation):
    windows = Windows(image, kernel, (2, 1), (0, 0), dilation)
    if not fits(windows):
        pytest.skip("the window is larger than the image")
    down, across = (torch.arange(count) for count in windows.outputs)
    corners = down[:, None] * 2 * image[1] + across
    entries = product(range(kernel[0]), range(kernel[1]))
    places = [corners + a * dilation[0] * image[1] + b * dilation[1] for a, b in entries]
    indices = torch.stack(places).unsqueeze(0)
    packed = windows.pack(indices)
    assert packed.untyped_storage().nbytes() == windows.saved_bytes(windows.size)
    assert torch.equal(windows.unpack(packed, indices.shape), indices)
    last = indices.contiguous(memory_format=torch.channels_last)
    unpacked = windows.unpack(windows.pack(last, True), last.shape, True)
    assert torch.equal(unpacked, last)
    assert unpacked.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_windows_are_counted_as_in_pytorch(ceil_mode):
    for length, kernel, stride, dilation in product(range(1, 12), (1, 2, 3), (1, 2, 5), (1, 2)):
        for padding in range(kernel // 2 + 1):
            settings = (kernel, stride, padding, dilation)
            pairs = [(1, kernel), (1, stride), (0, padding), (1, dilation)]
            windows = Windows((1, length), *pairs, ceil_mode)
            x = torch.zeros(1, 1, length, device="meta")
            if windows.outputs[1] > 0:
                y = F.max_pool2d(x.unsqueeze(0), *pairs, ceil_mode)
                assert windows.outputs == y.shape[2:], settings


def test_a_window_of_four_takes_two_bits_and_of_five_three():
    sizes = {k: Windows((9, 9), (1, k), (1, 1), (0, 0), (1, 1)).bits for k in range(1, 10)}
    assert sizes == {1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 3, 8: 3, 9: 4}
