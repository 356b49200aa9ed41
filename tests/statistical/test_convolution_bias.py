"""Weight gradients of convolutions are unbiased, on the compiled path and on the dense one."""

import pytest
import torch
from torch.nn import functional as F

from radexp.ops.conv import sketched_conv2d
from radexp.sketches import Exact, Projection, Sampling

# The slope of one draw has a standard deviation of at most 0.05 (own samples), 0.1 (shared) or
# 0.16 (projected), measured: 0.0041 at most after these repetitions. A bias of 0.03 is then 7 of
# them, and the slope's threshold is 5.0.
REPETITIONS = {"own": 200, "shared": 600, "projected": 1600, "exact": 3}
GEOMETRIES = {
    "padding": {"padding": (2, 1)},
    "all": {"stride": (1, 2), "padding": (3, 1), "dilation": (2, 1), "groups": 2},
}
SKETCHES = {
    "own, compiled": Sampling(0.15),
    "own, compiled, no replacement": Sampling(0.15, replacement=False),
    "own, dense": Sampling(0.5),
    "shared, compiled": Sampling(0.15, shared=True),
    "shared, dense, no replacement": Sampling(0.5, shared=True, replacement=False),
    "projected": Projection(0.9),
    "exact": Exact(),
}
each_geometry = pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
each_sketch = pytest.mark.parametrize("name", SKETCHES)


def draw(shape, seed, mean):
    draws = torch.Generator().manual_seed(seed)
    return mean + 0.4 * torch.randn(shape, generator=draws, dtype=torch.float64)


def excess_of(excess, name, geometry, plant=lambda sketch: sketch):
    sketch, kind = plant(SKETCHES[name]), name.partition(",")[0]
    # A mean lets samples agree, but makes the gradient of low rank, which a projection dislikes.
    mean = 0.0 if kind == "projected" else 1.0
    x = draw((8, 2, 8, 9), 0, mean)
    weight = draw((6, 2 // geometry.get("groups", 1), 3, 3), 1, 1.0).requires_grad_()
    y = F.conv2d(x, weight, **geometry)
    g = draw(y.shape, 2, mean)
    (truth,) = torch.autograd.grad(y, weight, g)
    draws = [
        torch.autograd.grad(sketched_conv2d(x, weight, None, sketch, seed, **geometry), weight, g)
        for seed in range(REPETITIONS[kind])
    ]
    return excess(torch.stack([draw for (draw,) in draws]).flatten(1), truth.flatten())


@each_geometry
@each_sketch
def test_the_weight_gradient_is_unbiased(excess, name, geometry):
    assert excess_of(excess, name, geometry) < 1


@each_geometry
@each_sketch
def test_a_planted_bias_is_caught(excess, planted, name, geometry):
    assert excess_of(excess, name, geometry, planted) > 1
