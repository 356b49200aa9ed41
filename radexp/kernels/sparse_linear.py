"""Weight gradient of a linear map whose inputs have few entries."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from radexp.kernels.parallel import compiled, run_parts

# Outputs that one thread sums at a time: of narrow maps all sums then stay in the first cache.
PART_OUTPUTS = 128


def sparse_row_products(
    g_RO: Tensor, values_RK: Tensor, positions_RK: Tensor, num_columns: int
) -> Tensor:
    """Return ``g^T xhat`` for rows ``xhat_r = sum_k values[r, k] e_{positions[r, k]}``.

    Entry ``v`` at column ``d`` of row ``r`` adds ``v g[r]`` to ``dW[:, d]``. A part of the outputs
    at a time goes through all rows, so that the parts' sums are the result itself and rounding
    does not depend on the threads.

    Shapes: R rows, O outputs, K entries of each row, D columns.

    Args:
        g_RO: Contiguous, float32 or float64, on the CPU.
        values_RK: Entries, contiguous; those at equal columns add up.
        positions_RK: Their columns in [0, D), int64, contiguous.
        num_columns: Columns D.

    Returns:
        The gradient, shape (O, D), the transpose of contiguous memory.

    Example:
        >>> import torch
        >>> g, values = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0]])
        >>> sparse_row_products(g, values, torch.tensor([[1]]), 2).tolist()
        [[0.0, 3.0], [0.0, 6.0]]
    """
    num_outputs = g_RO.shape[1]
    sums_DO = g_RO.new_zeros(num_columns, num_outputs)
    g, values, positions, sums = (
        tensor.numpy() for tensor in (g_RO, values_RK, positions_RK, sums_DO)
    )

    def part(index: int) -> None:
        start = index * PART_OUTPUTS
        _add_rows(g, values, positions, sums, start, min(num_outputs, start + PART_OUTPUTS))

    run_parts(part, -(-num_outputs // PART_OUTPUTS))
    return sums_DO.t()


@compiled()
def _add_rows(g: Any, values: Any, positions: Any, sums: Any, start: int, stop: int) -> None:
    """Add every entry times its row's ``g``, outputs ``start`` to ``stop``, to ``sums`` (D, O)."""
    for r in range(len(values)):
        row = g[r, start:stop]
        for k in range(values.shape[1]):
            value = values[r, k]
            target = sums[positions[r, k], start:stop]
            for o in range(len(row)):
                target[o] += value * row[o]
