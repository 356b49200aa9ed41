"""Modules over the lean operations, and the bridge from plain networks to them."""

from importlib import import_module
from pkgutil import iter_modules

from radexp.layers.base import LeanLayer, SketchedLayer
from radexp.layers.estimator import Estimator
from radexp.layers.randomize import Randomized, randomize, seed_streams

for _module in iter_modules(__path__):  # each enters its layers in the registry
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "Estimator",
    "LeanLayer",
    "Randomized",
    "SketchedLayer",
    "randomize",
    "seed_streams",
]
