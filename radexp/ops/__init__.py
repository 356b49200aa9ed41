"""Autograd functions that keep a sketch, or a few bits, for their backward pass."""

from radexp.ops.linear import sketched_linear
from radexp.ops.relu import bit_relu

__all__ = ["bit_relu", "sketched_linear"]
