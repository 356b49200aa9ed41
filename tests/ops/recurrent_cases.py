"""Operands, sketches and gradients that the tests of the sketched recurrent layer share."""

import pytest
import torch

from radexp.sketches import Exact, Projection, Sampling

T, N, I, H = 7, 3, 5, 11  # noqa: E741
SKETCHES = [
    Sampling(0.1),
    Sampling(0.4, shared=True),
    Sampling(0.4, replacement=False),
    Sampling(0.4, shared=True, replacement=False),
    Projection(0.4),
]
each_sketch = pytest.mark.parametrize("sketch", SKETCHES, ids=repr)
any_sketch = pytest.mark.parametrize("sketch", [Exact(), *SKETCHES], ids=repr)
each_kind = pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
each_wish = pytest.mark.parametrize("with_outputs", [True, False], ids=["all states", "the last"])
# Steps of float64 states in a chunk, so that 7 steps make 7, 3 and 1 chunks.
each_chunk = pytest.mark.parametrize("steps", [1, 3, T], ids=lambda s: f"chunks of {s}")


def draw(shape, dtype=torch.float64, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(dtype)


def operands(dtype=torch.float64, with_bias=True, pattern=(True,) * 5, steps=T, device="cpu"):
    shapes = [(steps, N, I), (N, H), (H, I), (H, H), (H,)]
    tensors = [draw(shape, dtype, seed).to(device) for seed, shape in enumerate(shapes)]
    tensors[3] = tensors[3] / H**0.5  # states neither die nor grow
    for tensor, needed in zip(tensors, pattern, strict=True):
        tensor.requires_grad_(needed)
    return [*tensors[:4], tensors[4] if with_bias else None]


def gradients(states, operands):
    """Return the gradients of a fixed linear function of all states and the last."""
    outputs, last = states
    total = (last * draw(last.shape, last.dtype, 9).to(last)).sum()
    if outputs is not None:
        total = total + (outputs * draw(outputs.shape, outputs.dtype, 8).to(last)).sum()
    wanted = [t for t in operands if t is not None and t.requires_grad]
    return torch.autograd.grad(total, wanted) if wanted else ()


# Sums of at most T N = 21 products, or of 16, of numbers of order 10, carried over 7 steps.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}
