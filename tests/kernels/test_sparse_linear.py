"""Rows multiplied entry by entry give the product with the scattered, dense rows."""

import pytest
import torch

from radexp.kernels.sparse_linear import PART_OUTPUTS, sparse_row_products

SIZES = [  # rows, outputs, entries of each row, columns
    (1, 1, 1, 1),
    (5, 3, 4, 7),
    (20, 100, 10, 100),
    (9, 2 * PART_OUTPUTS + 5, 6, 11),
    (0, 3, 4, 7),
    (5, 3, 0, 7),
]


def problem(rows, outputs, entries, columns, dtype=torch.float64):
    """Return a gradient, entries and their columns; with few columns some come twice."""
    draws = torch.Generator().manual_seed(0)
    g = torch.randn(rows, outputs, generator=draws, dtype=dtype)
    values = torch.randn(rows, entries, generator=draws, dtype=dtype)
    return g, values, torch.randint(columns, (rows, entries), generator=draws)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_the_dense_product(size):
    g, values, positions = problem(*size)
    dense = values.new_zeros(size[0], size[3]).scatter_add_(1, positions, values)
    result = sparse_row_products(g, values, positions, size[3])
    assert result.shape == (size[1], size[3])
    # Sums of at most 20 * 10 products of standard normals, in another order: 2^-53 each.
    torch.testing.assert_close(result, g.t() @ dense, rtol=0, atol=1e-12)


def test_float32_is_computed_in_float32():
    g, values, positions = problem(20, 100, 10, 100, torch.float32)
    dense = values.new_zeros(20, 100).scatter_add_(1, positions, values)
    result = sparse_row_products(g, values, positions, 100)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, g.t() @ dense, rtol=0, atol=20 * 10 * 2**-24)


@pytest.mark.usefixtures("torch_state")
def test_the_number_of_threads_changes_no_bit():
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        g, values, positions = problem(40, 2 * PART_OUTPUTS + 5, 6, 11)
        results.append(sparse_row_products(g, values, positions, 11))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
