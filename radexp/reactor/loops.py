"""The compiled inner loops: steps forward in time, and adjoint steps back.

A vector of D values has x running fastest. It is worked on between two margins of ``width`` zeros,
so that all four neighbours of point i lie at fixed distances and one flat loop without branches
does a step; weights of zero stand where a row's end meets the next row. Each loop writes one array
and reads few: a compiler must rule out that they overlap before it may use vector instructions, and
gives up beyond a handful. Sums over space may be reordered into a vector's lanes; that rounds no
worse than one after the other.

Fields, shape (6, D): sin(2 pi x), cos(2 pi x), the weights of the left and of the right neighbour,
the target's constant part and its wave. Rates, shape (G, 4): for each step what C is made of,
alpha, beta, gamma as weights of the point itself, and the wave's height.

Shapes: G steps, D points, K kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radexp.kernels.parallel import compiled


@compiled(reorder=True)
def _step(old: Any, new: Any, fields: Any, rate: Any, ratio: Any, width: int) -> None:
    """Write one explicit step of ``old`` to ``new``, both between margins.

    The step's matrix is symmetric, so this is the adjoint step, too.
    """
    size = fields.shape[1]
    end = width + size
    up, down, middle = old[:size], old[2 * width : width + end], old[width:end]
    left, right = old[width - 1 : end - 1], old[width + 1 : end + 1]
    sine, cosine, of_left, of_right = fields[0], fields[1], fields[2], fields[3]
    alpha, beta, gamma = rate[0], rate[1], rate[2]
    result = new[width:end]
    for i in range(size):
        result[i] = (
            (alpha + beta * sine[i] + gamma * cosine[i]) * middle[i]
            + ratio * (up[i] + down[i])
            + of_left[i] * left[i]
            + of_right[i] * right[i]
        )


@compiled(reorder=True)
def advance(
    start_D: Any, fields: Any, rates: Any, ratio: Any, width: int, states_GD: Any, errors_G: Any
) -> None:
    """Take G steps: write each new state, and its squared distance to the target."""
    size = len(start_D)
    old, new = np.zeros(size + 2 * width, start_D.dtype), np.zeros(size + 2 * width, start_D.dtype)
    old[width : width + size] = start_D
    constant, shape = fields[4], fields[5]
    for g in range(len(states_GD)):
        _step(old, new, fields, rates[g], ratio, width)
        wave = rates[g, 3]
        inside, state = new[width : width + size], states_GD[g]
        total = ratio * 0
        for i in range(size):
            value = inside[i]
            state[i] = value
            error = value - constant[i] - wave * shape[i]
            total += error * error
        errors_G[g] = total
        old, new = new, old


@compiled(reorder=True)
def retreat(
    adjoint_D: Any,
    fields: Any,
    rates: Any,
    ratio: Any,
    width: int,
    weight: Any,
    factors_GD: Any,
    residuals_GD: Any,
    sums_G3: Any,
) -> None:
    """Take ``adjoint_D`` back through G states, which are given whole.

    At state g it is first contracted with the state, on 1, sin(2 pi x) and cos(2 pi x); then
    stepped back, and the loss's own gradient ``weight (state - target)`` is added. Of the rates,
    the first three belong to the step that starts at state g, the wave to the one that ends there.
    """
    size = len(adjoint_D)
    zero = ratio * 0
    old = np.zeros(size + 2 * width, adjoint_D.dtype)
    new = np.zeros(size + 2 * width, adjoint_D.dtype)
    old[width : width + size] = adjoint_D
    sine, cosine, constant, shape = fields[0], fields[1], fields[4], fields[5]
    for g in range(len(factors_GD) - 1, -1, -1):
        inside, factor = old[width : width + size], factors_GD[g]
        whole, with_sine, with_cosine = zero, zero, zero
        for i in range(size):
            product = inside[i] * factor[i]
            whole += product
            with_sine += sine[i] * product
            with_cosine += cosine[i] * product
        sums_G3[g, 0], sums_G3[g, 1], sums_G3[g, 2] = whole, with_sine, with_cosine
        _step(old, new, fields, rates[g], ratio, width)
        result, residual, wave = new[width : width + size], residuals_GD[g], rates[g, 3]
        for i in range(size):
            result[i] += weight * (residual[i] - constant[i] - wave * shape[i])
        old, new = new, old
    adjoint_D[:] = old[width : width + size]


@compiled(reorder=True)
def retreat_sparsely(
    adjoint_D: Any,
    fields: Any,
    rates: Any,
    ratio: Any,
    width: int,
    weight: Any,
    factors_GK: Any,
    factors_at_GK: Any,
    residuals_GK: Any,
    residuals_at_GK: Any,
    sums_G3: Any,
) -> None:
    """Do as ``retreat`` does, with states given by a few values and their positions."""
    size = len(adjoint_D)
    zero = ratio * 0
    old = np.zeros(size + 2 * width, adjoint_D.dtype)
    new = np.zeros(size + 2 * width, adjoint_D.dtype)
    old[width : width + size] = adjoint_D
    sine, cosine, constant, shape = fields[0], fields[1], fields[4], fields[5]
    for g in range(len(factors_GK) - 1, -1, -1):
        inside, factor, at = old[width : width + size], factors_GK[g], factors_at_GK[g]
        whole, with_sine, with_cosine = zero, zero, zero
        for k in range(len(factor)):
            product = inside[at[k]] * factor[k]
            whole += product
            with_sine += sine[at[k]] * product
            with_cosine += cosine[at[k]] * product
        sums_G3[g, 0], sums_G3[g, 1], sums_G3[g, 2] = whole, with_sine, with_cosine
        _step(old, new, fields, rates[g], ratio, width)
        result, wave = new[width : width + size], rates[g, 3]
        for i in range(size):
            result[i] -= weight * (constant[i] + wave * shape[i])
        residual, at = residuals_GK[g], residuals_at_GK[g]
        for k in range(len(residual)):
            result[at[k]] += weight * residual[k]
        old, new = new, old
    adjoint_D[:] = old[width : width + size]
