"""Pooling that keeps nothing, or a few bits an output, for its backward pass."""

from radexp.ops.avg_pooling import lean_avg_pool1d, lean_avg_pool2d, lean_avg_pool_saved_bytes
from radexp.ops.max_pooling import (
    lean_max_pool1d,
    lean_max_pool1d_saved_bytes,
    lean_max_pool2d,
    lean_max_pool2d_saved_bytes,
)

__all__ = [
    "lean_avg_pool1d",
    "lean_avg_pool2d",
    "lean_avg_pool_saved_bytes",
    "lean_max_pool1d",
    "lean_max_pool1d_saved_bytes",
    "lean_max_pool2d",
    "lean_max_pool2d_saved_bytes",
]
