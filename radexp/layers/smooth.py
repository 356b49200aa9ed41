"""Smooth nonlinearities over a sketch of their derivative."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from radexp.errors import require
from radexp.layers.base import SketchedLayer, is_forgotten
from radexp.layers.estimator import Estimator
from radexp.ops.smooth import (
    SIGMOID,
    SILU,
    TANH,
    Smooth,
    gelu,
    sketched_smooth,
    sketched_smooth_saved_bytes,
)


class SketchedSmooth(SketchedLayer):
    """What all smooth nonlinearities have in common."""

    inplace = False

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether the estimator's sketch may stand in for a derivative."""
        return estimator.sketch.serves_derivatives

    def prepare(self, estimator: Estimator, seed: int, name: str) -> None:
        """Take the layer's sketch and seeds.

        Raises:
            UsageError: If the layer's own sketch may not stand in for a derivative.
        """
        super().prepare(estimator, seed, name)
        given = f"estimator.layer_{self.sketch.free}.{name}, which keeps a derivative"
        instead = f"try estimator.layer_bits.{name}=2"
        require(self.sketch.serves_derivatives, given, "bits, as it is rounded", instead)

    @abstractmethod
    def smooth(self) -> Smooth:
        """Return the function and its derivative."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer; without gradients it is the stock one and draws nothing."""
        if not self.records(input):
            return self.stock.forward(self, input)  # type: ignore[no-any-return]
        return sketched_smooth(input, self.smooth(), self.sketch, self.next_seed(), self.inplace)

    def saved_bytes(self, input: Tensor) -> int:
        """Return the bytes that ``forward(input)`` keeps when gradients are on."""
        if not self.records(input):
            return 0
        return sketched_smooth_saved_bytes(input.shape, input.dtype, self.sketch)


class _KeepsOutput(SketchedSmooth):
    """Those of which PyTorch keeps the output."""

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether the sketch serves, and nothing that follows keeps the output whole.

        A successor that does shares it with the stock module, which then costs nothing.
        """
        return super().pays(module, estimator, followed_by) and is_forgotten(followed_by, estimator)


class SketchedGELU(SketchedSmooth, nn.GELU):
    """``nn.GELU`` that keeps a sketch of its derivative; made by ``randomize``."""

    stock = nn.GELU

    def smooth(self) -> Smooth:
        """Return GELU, as ``approximate`` has it."""
        return gelu(self.approximate)


class SketchedSiLU(SketchedSmooth, nn.SiLU):
    """``nn.SiLU`` that keeps a sketch of its derivative; made by ``randomize``."""

    stock = nn.SiLU

    def smooth(self) -> Smooth:
        """Return SiLU."""
        return SILU


class SketchedTanh(_KeepsOutput, nn.Tanh):
    """``nn.Tanh`` that keeps a sketch of its derivative; made by ``randomize``."""

    stock = nn.Tanh

    def smooth(self) -> Smooth:
        """Return tanh."""
        return TANH


class SketchedSigmoid(_KeepsOutput, nn.Sigmoid):
    """``nn.Sigmoid`` that keeps a sketch of its derivative; made by ``randomize``."""

    stock = nn.Sigmoid

    def smooth(self) -> Smooth:
        """Return the sigmoid."""
        return SIGMOID
