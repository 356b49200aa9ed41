"""What every layer that keeps less than PyTorch's own has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from radexp.errors import require
from radexp.layers.estimator import Estimator
from radexp.seeding import SeedStream
from radexp.sketches import Sketch


class LeanLayer(nn.Module):
    """A layer that keeps less than its stock module and knows in closed form how much.

    A subclass that names its ``stock`` class enters the registry, and ``randomize`` then puts it
    in place of every module of exactly that class where it pays.

    Attributes:
        stock: The PyTorch module that it stands in for: same parameters, same values.
        registry: The lean classes of each stock class; the first that pays is used.
    """

    stock: ClassVar[type[nn.Module]]
    registry: ClassVar[dict[type[nn.Module], list[type[LeanLayer]]]] = {}

    def __init_subclass__(cls) -> None:
        """Enter the class in the registry under its ``stock`` class."""
        if "stock" in vars(cls):
            LeanLayer.registry.setdefault(cls.stock, []).append(cls)

    @classmethod
    @abstractmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether the lean layer keeps less than the stock ``module`` would.

        Args:
            module: An instance of ``stock``.
            estimator: Of the network.
            followed_by: What follows each use of the module; None where that is not known.
        """

    def prepare(self, estimator: Estimator, seed: int, name: str) -> None:
        """Take what the layer needs to know, just after it took the stock module's place."""

    def records(self, *inputs: Tensor | None) -> bool:
        """Tell whether a call with these inputs is differentiated."""
        return torch.is_grad_enabled() and any(
            tensor is not None and tensor.requires_grad for tensor in (*inputs, *self.parameters())
        )

    def restore_stock(self) -> None:
        """Become the stock module again."""
        self.__class__ = self.stock  # type: ignore[assignment]

    def dry_forward(self, *inputs: Any, **named: Any) -> Any:
        """Return outputs of the shapes that ``forward`` gives, whatever their values.

        It is called on the ``meta`` device alone, where the stock module costs no arithmetic.
        """
        return self.stock.forward(self, *inputs, **named)  # type: ignore[attr-defined]

    @abstractmethod
    def saved_bytes(self, *inputs: Any, **named: Any) -> int:
        """Return the bytes that ``forward`` keeps of these inputs when gradients are on."""


def is_forgotten(followed_by: Sequence[nn.Module | None], estimator: Estimator) -> bool:
    """Tell whether all that follows a module keeps less than the whole output, if that is known.

    Args:
        followed_by: What follows each use of the module; None where that is not known.
        estimator: Of the network.
    """
    return bool(followed_by) and all(
        _forgets_input(successor, estimator) for successor in followed_by
    )


def _forgets_input(module: nn.Module | None, estimator: Estimator) -> bool:
    if module is None:
        return not estimator.exact
    if isinstance(module, nn.Dropout) and not module.training:
        return not estimator.exact  # it passes its input on, to what is not known here
    lean = LeanLayer.registry.get(type(module), [])
    return any(candidate.pays(module, estimator, []) for candidate in lean)


class SketchedLayer(LeanLayer):
    """A lean layer whose gradients come from a sketch: of its inputs, or of its derivative.

    Attributes:
        sketch: What is kept of them.
        seeds: Where each call's seed comes from.
    """

    sketch: Sketch
    seeds: SeedStream

    @classmethod
    def pays(
        cls, module: Any, estimator: Estimator, followed_by: Sequence[nn.Module | None]
    ) -> bool:
        """Tell whether the estimator sketches at all."""
        return not estimator.exact

    def prepare(self, estimator: Estimator, seed: int, name: str) -> None:
        """Take the estimator's sketch, and seeds that are the layer's own."""
        self.sketch = estimator.of_layers.get(name, estimator.sketch)
        self.seeds = SeedStream(seed, name)

    def restore_stock(self) -> None:
        """Become the stock module again; the sketch is forgotten."""
        del self.sketch, self.seeds
        super().restore_stock()

    def next_seed(self) -> int:
        """Return the seed of a call that draws a sketch.

        Raises:
            UsageError: Inside ``torch.utils.checkpoint`` without reentrance. It would run the call
                again and give the backward pass of the first one the sketch of the second.
        """
        hooks = torch._C._autograd._top_saved_tensors_default_hooks(True)  # type: ignore[attr-defined]
        require(
            hooks is None or hooks[0].__module__ != "torch.utils.checkpoint",
            f"{type(self).__name__} inside torch.utils.checkpoint with use_reentrant=False",
            "use_reentrant=True",
            "set it, or leave the layer out of the checkpoint: it keeps little anyway",
        )
        return self.seeds.next()

    def extra_repr(self) -> str:
        """Describe the layer and its sketch."""
        return ", ".join(filter(None, (super().extra_repr(), f"sketch={self.sketch}")))
