"""Coordinate sampling: keep a few entries of each row, rescaled."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import UsageError
from radexp.kernels import serves
from radexp.kernels.sparse_linear import sparse_row_products
from radexp.seeding import generator
from radexp.sketches.base import Kept, Shape, Sketch, num_kept

# Random numbers in memory at a time.
BLOCK = 2**18

# Up to this kept fraction, and for so narrow a map that its D x O sums stay in a first-level cache,
# rows are multiplied entry by entry; else matrix products of the restored rows are faster. For 17
# steps of 150 states of 100 units, in ms on 2 threads and on 1: at 0.1 0.20 and 0.20 against 0.26
# and 0.40, at 0.3 0.40 and 0.55 against 0.23 and 0.45.
SPARSE_BELOW, CACHED_SUMS = 0.15, 2**14


class Sampling(Sketch):
    """Keep K = ceil(keep * D) sampled coordinates of each row.

    With positions ``p_1 ... p_K`` drawn uniformly from the D columns,
    ``xhat = (D / K) sum_k x[p_k] e_{p_k}``. Each ``p_k`` is uniform, so
    ``E[xhat_d] = (D / K) * K * x_d / D = x_d``; this needs no independence between the draws and
    so holds with and without replacement. The positions come from the seed and cost no bytes.
    An entry's variance is ``x_d^2 (D - 1) / K`` with replacement and ``x_d^2 (D - K) / K`` without.

    Args:
        keep: Kept fraction, 0 < keep < 1 (at 1 the sketch is ``Exact`` by definition).
        shared: One set of positions for all rows of a group (the paper's "same sample") instead
            of one for each row ("different sample"). Shared positions make ``contract`` cost the
            kept fraction of its floating-point operations, at the price of noise that is the same
            for every example and so does not average out over the batch.
        replacement: Draw with replacement, as the paper does; else every (D / K)-th column from a
            random start, ``p_k = floor((k + u) D / K)`` with one u, uniform in [0, 1), for a row.

    Raises:
        UsageError: If ``keep`` is out of range.

    Example:
        >>> sketch = Sampling(keep=0.5, shared=True)
        >>> x = torch.arange(4.0).view(1, 1, 4)
        >>> mean = sum(sketch.restore(sketch.compress(x, s), (1, 1, 4), s) for s in range(4000))
        >>> torch.allclose(mean / 4000, x, atol=0.15)
        True

    Source: section 3.2, P = (d/k) sum_s e_s e_s^T; "same" and "different sample" in section 4.2.
    Without replacement: Madow and Madow, On the theory of systematic sampling, 1944.
    """

    name = "sampling"

    def __init__(self, keep: float, shared: bool = False, replacement: bool = True) -> None:
        if not 0 < keep < 1:
            raise UsageError(f"keep={keep}: allowed is 0 < keep < 1; use Exact() to keep it all")
        self.keep = keep
        self.shared = shared
        self.replacement = replacement

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Sampling:
        """Build the sketch from an estimator's settings."""
        assert config.keep is not None
        return cls(config.keep, config.shared, config.replacement)

    def positions(self, shape: Shape, seed: int, device: torch.device) -> Tensor:
        """Draw the kept columns again from the seed.

        Returns:
            int64 positions in [0, D): shape (G, 1, K) if shared, else (G, N, K).
        """
        (G, N, _), K = shape, num_kept(self.keep, shape[2])
        rows = 1 if self.shared else N
        blocks = [positions for _, positions in self._draw(shape, seed, device)]
        if len(blocks) == 1:
            return blocks[0].view(G, rows, K)
        none = torch.empty((0, K), dtype=torch.int64, device=device)
        return torch.cat([none, *blocks]).view(G, rows, K)

    def _draw(
        self, shape: Shape, seed: int, device: torch.device
    ) -> Iterator[tuple[slice, Tensor]]:
        """Yield blocks of the G N rows (G if shared) with their positions (rows, K).

        Numbers are drawn block by block from one generator, so that no more than a block of them
        is in memory at a time.
        """
        G, N, D = shape
        draws, K = generator(seed, device), num_kept(self.keep, D)
        rows = G if self.shared else G * N
        size = max(1, BLOCK // K)
        for start in range(0, rows, size):
            block = slice(start, min(rows, start + size))
            count = block.stop - start
            if self.replacement:
                yield block, torch.randint(D, (count, K), generator=draws, device=device)
            else:
                u = torch.rand((count, 1), generator=draws, device=device, dtype=torch.float64)
                points = (torch.arange(K, device=device) + u).mul_(D / K)
                yield block, points.long().clamp_(max=D - 1)  # a sum may round up to a whole number

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return the sampled values, shape (G, N, K), not yet rescaled."""
        x_GND = x_GND.detach()
        G, N, D = x_GND.shape
        if self.shared:
            columns = self.positions((G, N, D), seed, x_GND.device)
            if G == 1:
                return (x_GND.index_select(2, columns[0, 0]),)
            return (x_GND.gather(2, columns.expand(G, N, -1)),)
        x_RD = x_GND.reshape(G * N, D)
        values_RK = x_GND.new_empty(G * N, num_kept(self.keep, D))
        for rows, columns in self._draw((G, N, D), seed, x_GND.device):
            torch.gather(x_RD[rows], 1, columns, out=values_RK[rows])
        return (values_RK.view(G, N, values_RK.shape[1]),)

    def entries(self, kept: Kept, shape: Shape, seed: int) -> tuple[Tensor, Tensor]:
        """Return the rescaled values and their columns."""
        (values_GNK,) = kept
        scale = shape[2] / values_GNK.shape[2]
        return values_GNK * scale, self.positions(shape, seed, values_GNK.device)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return the rescaled values at their columns and zero elsewhere."""
        (values_GNK,) = kept
        G, N, D = shape
        xhat_GND = values_GNK.new_zeros(shape)
        if self.shared:
            columns = self.positions(shape, seed, values_GNK.device)
            xhat_GND.scatter_add_(2, columns.expand_as(values_GNK), values_GNK)
        else:
            xhat_RD, values_RK = xhat_GND.view(G * N, D), values_GNK.flatten(0, 1)
            for rows, columns in self._draw(shape, seed, values_GNK.device):
                xhat_RD[rows].scatter_add_(1, columns, values_RK[rows])
        return xhat_GND.mul_(D / values_GNK.shape[2])

    def contract(self, g_GNO: Tensor, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``sum_G g^T xhat``; samples touch only the kept columns where that is faster."""
        (values_GNK,) = kept
        (G, _, D), K, num_outputs = shape, values_GNK.shape[2], g_GNO.shape[2]
        if not self.shared:
            few = K <= SPARSE_BELOW * D and D * num_outputs <= CACHED_SUMS
            if not (few and serves(g_GNO)):
                return super().contract(g_GNO, kept, shape, seed)
            columns = self.positions(shape, seed, values_GNK.device)
            g_RO, values_RK, columns_RK = (
                tensor.flatten(0, 1) for tensor in (g_GNO.contiguous(), values_GNK, columns)
            )
            return sparse_row_products(g_RO, values_RK, columns_RK, D).mul_(D / K)
        columns = self.positions(shape, seed, values_GNK.device).flatten()
        if G == 1:
            result_OD = g_GNO.new_zeros(num_outputs, D)
            return result_OD.index_add_(1, columns, g_GNO[0].t() @ values_GNK[0], alpha=D / K)
        # Of many small products this way round takes a quarter of the time.
        products_GKO = values_GNK.transpose(1, 2) @ g_GNO
        result_DO = g_GNO.new_zeros(D, num_outputs)
        return result_DO.index_add_(0, columns, products_GKO.flatten(0, 1), alpha=D / K).t()

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``G * N * K * itemsize``."""
        G, N, D = shape
        return G * N * num_kept(self.keep, D) * dtype.itemsize

    def __repr__(self) -> str:
        return f"Sampling(keep={self.keep}, shared={self.shared}, replacement={self.replacement})"
