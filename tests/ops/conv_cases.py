"""Operands, sketches and gradients that the tests of the sketched convolution share."""

from itertools import product

import pytest
import torch

from radexp.sketches import Exact, Projection, Sampling

N, C, O = 3, 4, 8  # noqa: E741
IMAGE = (N, C, 9, 8)
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SKETCHES = [
    Sampling(0.1),
    Sampling(0.1, shared=True),
    Sampling(0.1, replacement=False),
    Sampling(0.1, shared=True, replacement=False),
    Sampling(0.6),
    Sampling(0.6, shared=True),
    Sampling(0.6, replacement=False),
    Projection(0.1),
    Projection(0.6),
]
PATTERNS = list(product((False, True), repeat=3))
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_sketch = pytest.mark.parametrize("sketch", SKETCHES, ids=repr)
any_sketch = pytest.mark.parametrize("sketch", [Exact(), *SKETCHES], ids=repr)
each_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=str)
each_bias = pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])


def draw(shape, dtype=torch.float64, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(dtype)


def operands(
    dtype=torch.float64, with_bias=True, pattern=(True,) * 3, groups=1, shape=IMAGE, device="cpu"
):
    x = draw(shape, dtype, 0).to(device)
    weight = draw((O, C // groups, 3, 2), dtype, 1).to(device)
    bias = draw((O,), dtype, 2).to(device) if with_bias else None
    for tensor, needed in zip((x, weight, bias), pattern, strict=True):
        if tensor is not None:
            tensor.requires_grad_(needed)
    return x, weight, bias


def gradients(y, operands):
    wanted = [t for t in operands if t is not None and t.requires_grad]
    return torch.autograd.grad(y, wanted, draw(y.shape, y.dtype, seed=9).to(y)) if wanted else ()


LAYOUTS = {
    "channels last": lambda t: t.contiguous(memory_format=torch.channels_last),
    "transposed": lambda t: t.transpose(2, 3).contiguous().transpose(2, 3),
    "strided": lambda t: torch.stack([t, t + 9], -1)[..., 0],
    "examples inside": lambda t: t.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
    "expanded": lambda t: t[:1, :, :1].expand(t.shape),
}
