"""Row sampling: keep a few whole rows, rescaled."""

from __future__ import annotations

import torch
from torch import Tensor

from radexp.config import EstimatorConfig
from radexp.errors import require
from radexp.seeding import generator
from radexp.sketches.base import Kept, Shape, Sketch, num_kept


class Rows(Sketch):
    """Keep K = ceil(keep * N) of a group's rows, drawn without replacement.

    A row is kept with probability K / N and then multiplied by N / K, else it is zero:
    ``E[xhat_n] = (K / N) (N / K) x_n = x_n``. An entry's variance is ``x^2 (N - K) / K``, as when
    columns are sampled, but all of a row comes or goes together. ``contract`` needs the kept rows
    of the gradient alone, ``(N / K) sum_k g[n_k]^T x[n_k]``: it costs the kept fraction of its
    floating-point operations. Which rows were kept comes from the seed and costs no bytes.

    It is a small batch in the weight's gradient only: the loss, and the gradients of all layers
    below, are still those of all examples.

    Args:
        keep: Kept fraction of the rows, 0 < keep < 1 (at 1 the sketch is ``Exact`` by definition).

    Raises:
        UsageError: If ``keep`` is out of range.

    Example:
        >>> sketch, x = Rows(keep=0.5), torch.ones(1, 4, 2)
        >>> sketch.restore(sketch.compress(x, seed=0), (1, 4, 2), seed=0).sum(1)
        tensor([[4., 4.]])

    Not for groups of one row, which is kept whole. Source: Adelman et al., Faster neural network
    training with approximate tensor operations, NeurIPS 2021, with uniform probabilities.
    """

    name = "rows"

    def __init__(self, keep: float) -> None:
        require(0 < keep < 1, f"keep={keep}", "0 < keep < 1", "use Exact() to keep it all")
        self.keep = keep

    @classmethod
    def from_config(cls, config: EstimatorConfig) -> Rows:
        """Build the sketch from an estimator's settings."""
        assert config.keep is not None
        return cls(config.keep)

    def kept_rows(self, shape: Shape, seed: int, device: torch.device) -> Tensor:
        """Draw the kept rows of each group again from the seed, sorted, int64 (G, K).

        The K smallest of N independent uniforms are a uniform subset; in float64 ties are rare
        enough (N^2 / 2^54) not to matter.
        """
        G, N, _ = shape
        draws = generator(seed, device)
        scores_GN = torch.rand((G, N), generator=draws, device=device, dtype=torch.float64)
        return scores_GN.topk(num_kept(self.keep, N), largest=False).indices.sort(1).values

    def compress(self, x_GND: Tensor, seed: int) -> Kept:
        """Return the kept rows, shape (G, K, D), not yet rescaled."""
        G, N, D = x_GND.shape
        return (_take(x_GND.detach(), self.kept_rows((G, N, D), seed, x_GND.device)),)

    def restore(self, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return the rescaled rows at their places and zeros elsewhere."""
        (x_GKD,) = kept
        rows_GK = self.kept_rows(shape, seed, x_GKD.device)
        scaled_GKD = x_GKD * (shape[1] / max(1, x_GKD.shape[1]))
        return x_GKD.new_zeros(shape).scatter_(1, _spread(rows_GK, shape[2]), scaled_GKD)

    def contract(self, g_GNO: Tensor, kept: Kept, shape: Shape, seed: int) -> Tensor:
        """Return ``sum_G g^T xhat`` from the kept rows of both."""
        (x_GKD,) = kept
        g_GKO = _take(g_GNO, self.kept_rows(shape, seed, x_GKD.device))
        product_OD = g_GKO.flatten(0, 1).t() @ x_GKD.flatten(0, 1)
        return product_OD.mul_(shape[1] / max(1, x_GKD.shape[1]))

    def saved_bytes(self, shape: Shape, dtype: torch.dtype) -> int:
        """Return ``G * K * D * itemsize``."""
        G, N, D = shape
        return G * num_kept(self.keep, N) * D * dtype.itemsize

    def __repr__(self) -> str:
        return f"Rows(keep={self.keep})"


def _take(x_GND: Tensor, rows_GK: Tensor) -> Tensor:
    """Return the given rows of each group, contiguous."""
    if len(x_GND) == 1:
        return x_GND.index_select(1, rows_GK[0])
    return x_GND.gather(1, _spread(rows_GK, x_GND.shape[2]))


def _spread(rows_GK: Tensor, num_columns: int) -> Tensor:
    return rows_GK.unsqueeze(2).expand(-1, -1, num_columns)
