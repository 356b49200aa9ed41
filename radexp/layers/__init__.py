"""Modules over the lean operations, and the bridge from plain networks to them."""

from radexp.layers.estimator import Estimator
from radexp.layers.lean import BitReLU, LeanLayer, SketchedLinear
from radexp.layers.randomize import Randomized, randomize, seed_streams

__all__ = [
    "BitReLU",
    "Estimator",
    "LeanLayer",
    "Randomized",
    "SketchedLinear",
    "randomize",
    "seed_streams",
]
