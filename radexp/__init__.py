"""Randomized automatic differentiation under a measured memory budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radexp.layers import Estimator, Randomized, randomize

__version__ = "0.1.0"
__all__ = ["Estimator", "Randomized", "__version__", "randomize"]


def __getattr__(name: str) -> Any:
    """Import the public API on first use: the report, for one, does without torch."""
    if name in ("Estimator", "Randomized", "randomize"):
        from radexp import layers

        return getattr(layers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
