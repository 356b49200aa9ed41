"""Coordinate sampling: keep a few entries of each row, rescaled."""

from __future__ import annotations

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import UsageError
from radexp.seeding import generator
from radexp.sketches.base import Kept, Shape, Sketch, num_kept


class Sampling(Sketch):
    """Keep K = ceil(keep * D) sampled coordinates of each row.

    With positions ``p_1 ... p_K`` drawn uniformly from the D columns,
    ``xhat = (D / K) sum_k x[p_k] e_{p_k}``. Each ``p_k`` is uniform, so
    ``E[xhat_d] = (D / K) * K * x_d / D = x_d``; this needs no independence between the draws and
    so holds with and without replacement. The positions come from the seed and cost no bytes.

    Args:
        keep: Kept fraction, 0 < keep < 1 (at 1 the sketch is ``Exact`` by definition).
        shared: One set of positions for all rows of a group (the paper's "same sample") instead
            of one for each row ("different sample"). Shared positions make ``contract`` cost the
            kept fraction of its floating-point operations, at the price of noise that is the same
            for every example and so does not average out over the batch.
        replacement: Draw with replacement, as the paper does.

    Raises:
        UsageError: If ``keep`` is out of range.

    Example:
        >>> sketch = Sampling(keep=0.5, shared=True)
        >>> x = torch.arange(4.0).view(1, 1, 4)
        >>> mean = sum(sketch.restore(sketch.compress(x, s), (1, 1, 4), s) for s in range(4000))
        >>> torch.allclose(mean / 4000, x, atol=0.15)
        True

    Source: section 3.2, P = (d/k) sum_s e_s e_s^T; "same" and "different sample" in section 4.2.
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
            int64 positions in [0, D): shape (G, K) if shared, else (G, N, K).
        """
        G, N, D = shape
        rows = (G,) if self.shared else (G, N)
        K = num_kept(self.keep, D)
        draws = generator(seed, device)
        if self.replacement:
            return torch.randint(D, (*rows, K), generator=draws, device=device)
        # The K smallest of D independent uniforms are a uniform subset; in float64 ties are rare
        # enough (D^2 / 2^54) not to matter.
        scores = torch.rand((*rows, D), generator=draws, device=device, dtype=torch.float64)
        return scores.topk(K, largest=False, sorted=False).indices

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return the sampled values, shape (G, N, K), not yet rescaled."""
        G, N, D = x_GND.shape
        positions = self.positions((G, N, D), seed, x_GND.device)
        if not self.shared:
            return (x_GND.gather(2, positions),)
        if G == 1:
            return (x_GND.index_select(2, positions[0]),)
        return (x_GND.gather(2, positions.unsqueeze(1).expand(G, N, -1)),)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return the rescaled values at their columns and zero elsewhere."""
        (values_GNK,) = kept
        G, N, D = shape
        positions = self.positions(shape, seed, values_GNK.device)
        if self.shared:
            positions = positions.unsqueeze(1).expand(G, N, -1)
        scale = D / values_GNK.shape[2]
        return values_GNK.new_zeros(shape).scatter_add_(2, positions, values_GNK * scale)

    def contract(self, g_GNO: Tensor, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``sum_G g^T xhat``; shared samples touch only the kept columns."""
        if not self.shared:
            return super().contract(g_GNO, kept, shape, seed)
        (values_GNK,) = kept
        columns_GK = self.positions(shape, seed, values_GNK.device)
        scale = shape[2] / values_GNK.shape[2]
        result_OD = g_GNO.new_zeros(g_GNO.shape[2], shape[2])
        for g_NO, values_NK, columns_K in zip(g_GNO, values_GNK, columns_GK, strict=True):
            result_OD.index_add_(1, columns_K, g_NO.t() @ values_NK, alpha=scale)
        return result_OD

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``G * N * K * itemsize``."""
        G, N, D = shape
        return G * N * num_kept(self.keep, D) * dtype.itemsize

    def __repr__(self) -> str:
        return f"Sampling(keep={self.keep}, shared={self.shared}, replacement={self.replacement})"
