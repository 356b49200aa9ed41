"""Turn a plain PyTorch network into one that keeps sketches: the only bridge between the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from torch import nn

from radexp.errors import UsageError, require
from radexp.layers.base import LeanLayer, SketchedLayer
from radexp.layers.estimator import Estimator
from radexp.layers.sequential import LeanSequential
from radexp.seeding import SeedStream

# Modules that keep nothing of their input, so that nothing is lost by leaving them alone.
_KEEP_NOTHING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Sequential)


@dataclass(frozen=True)
class Randomized:
    """What ``randomize`` did to a model.

    Attributes:
        model: The model itself, changed in place.
        converted: Names of the layers that now keep less.
        left_alone: Names of the layers that still keep what PyTorch makes them keep.
    """

    model: nn.Module
    converted: tuple[str, ...]
    left_alone: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Randomized(converted={self.converted}, left_alone={self.left_alone})"


def randomize(
    model: nn.Module, estimator: str | Estimator, *, seed: int = 0, **settings: Any
) -> Randomized:
    """Make a network estimate its weight gradients from sketches, in place.

    Layers keep their identity, parameters, hooks and ``state_dict`` keys; only their class
    changes, such as ``nn.Linear`` to ``SketchedLinear`` or ``nn.ReLU`` to ``BitReLU``; see
    ``LeanLayer.registry``; a plain ``nn.Sequential`` becomes a ``LeanSequential``. Values of the
    forward pass do not change, gradients stay unbiased, and calling it again with another
    estimator replaces the first; ``randomize(model, "exact")`` restores stock PyTorch. Lean
    layers are used only where they keep less than PyTorch's own.

    Args:
        model: Any module. Layers of exactly a registered type are converted, subclasses and
            functional calls such as ``F.relu`` are not.
        estimator: A name, as in ``estimator=rad`` on the command line, or an Estimator.
        seed: Seed of all sketches; every layer and call gets its own draw from it.
        **settings: With a name only: fields of ``EstimatorConfig``, such as ``keep=0.1``.

    Returns:
        The model and which layers were converted and left alone.

    ``auto`` measures nothing here: give it ``layer_bits`` and ``layer_keep``; other layers have 2
    bits. ``small_batch`` and ``accumulate`` are exact with lean operations; batches are the
    caller's.

    Raises:
        UsageError: If the name or a setting is unknown, or settings come with an Estimator.

    Example:
        >>> net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 9), nn.LayerNorm(9))
        >>> randomize(net, "rad", keep=0.1)
        Randomized(converted=('0', '1', '2'), left_alone=('3',))

    Not for layers whose gradient is not linear in what they keep, which is why other layers are
    left alone; not under ``torch.func`` transforms; under ``torch.utils.checkpoint`` with
    ``use_reentrant=True`` alone. Source: section 4.2.
    """
    if isinstance(estimator, str):
        estimator = Estimator.named(estimator, **settings)
    elif settings:
        raise UsageError(
            f"settings {', '.join(sorted(settings))} beside an Estimator object: allowed is none; "
            "set them on the Estimator, or give its name instead"
        )
    for module in model.modules():
        if isinstance(module, LeanLayer | LeanSequential):
            module.restore_stock()
    followed_by = _successors(model)
    converted = []
    for name, module in model.named_modules():
        after = followed_by.get(module, [None])
        candidates = LeanLayer.registry.get(type(module), [])
        lean = next((one for one in candidates if one.pays(module, estimator, after)), None)
        if lean:
            module.__class__ = lean
            assert isinstance(module, LeanLayer)
            module.prepare(estimator, seed, name)
            converted.append(name)
    for module in model.modules() if converted else ():
        if type(module) is nn.Sequential:
            module.__class__ = LeanSequential
    drawing = [n for n, module in model.named_modules() if isinstance(module, SketchedLayer)]
    for name, sketch in estimator.of_layers.items():
        given = f"estimator.layer_{sketch.free}.{name}, which is no layer that draws"
        require(name in drawing, given, ", ".join(drawing) or "none", "name one of these layers")
    left_alone = (name for name, leaf in _leaves(model) if name not in converted)
    return Randomized(model, tuple(converted), tuple(left_alone))


def seed_streams(model: nn.Module) -> dict[str, SeedStream]:
    """Return the seed stream of each module that draws, by the module's name, for checkpoints."""
    return {
        name: module.seeds  # type: ignore[misc]
        for name, module in model.named_modules()
        if isinstance(getattr(module, "seeds", None), SeedStream)
    }


def _leaves(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules without children that may keep something for the backward pass."""
    for name, module in model.named_modules():
        if not any(module.children()) and not isinstance(module, _KEEP_NOTHING):
            yield name, module


def _successors(model: nn.Module) -> dict[nn.Module, list[nn.Module | None]]:
    """Map modules of every ``nn.Sequential`` to what follows each use of them; None if unknown."""
    found: dict[nn.Module, list[nn.Module | None]] = {}
    for parent in model.modules():
        if isinstance(parent, nn.Sequential):
            steps = [child for child in parent if _first_step(child)]
            for module, successor in zip_longest(steps, steps[1:]):
                found.setdefault(module, []).append(successor and _first_step(successor))
    return found


def _first_step(module: nn.Module) -> nn.Module | None:
    """Return the first module inside that may keep something, None if there is none."""
    if isinstance(module, nn.Sequential):
        return next(filter(None, map(_first_step, module)), None)
    return None if isinstance(module, _KEEP_NOTHING) else module
