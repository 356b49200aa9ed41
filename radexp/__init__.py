"""Randomized automatic differentiation under a measured memory budget."""

__version__ = "0.1.0"
