"""The control's terms, and that their transpose is one."""

import numpy as np
import torch

from radexp.reactor.control import Control

DRAWS = np.random.default_rng(0)


def test_three_numbers_for_each_time_give_the_control_everywhere(grid, plain):
    control, theta = Control(grid), DRAWS.normal(size=7)
    numbers = control.coefficients(theta, slice(None))
    assert numbers.shape == (grid.steps + 1, 3)
    for step in (0, 1, 40, grid.steps):
        alpha, beta, gamma = numbers[step]
        ours = alpha + beta * control.sine_D + gamma * control.cosine_D
        whole = plain.control(theta, grid.times[step]) * torch.ones_like(plain.x)
        np.testing.assert_allclose(ours, whole[1:-1, 1:-1].flatten(), rtol=0, atol=1e-14)


def test_pull_back_is_the_transpose(grid):
    control, theta, sums = Control(grid), DRAWS.normal(size=7), DRAWS.normal(size=(40, 3))
    steps = slice(30, 70)
    forward = (control.coefficients(theta, steps) * sums).sum()
    np.testing.assert_allclose(theta @ control.pull_back(sums, steps), forward, rtol=1e-13)
