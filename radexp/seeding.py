"""Explicit randomness: every random number comes from an integer seed and a generator."""

from __future__ import annotations

import hashlib

import torch


def derive_seed(*parts: int | str) -> int:
    """Hash any parts into one seed, so that different uses of one run seed are independent.

    Args:
        *parts: For example the run's seed, a layer's name and a call number.

    Returns:
        A seed in [0, 2**63).

    Example:
        >>> derive_seed(0, "bootstrap") == derive_seed(0, "bootstrap")
        True
        >>> derive_seed(0, "a", 1) == derive_seed(0, "a", 2)
        False
    """
    text = "\x1f".join(map(repr, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator on ``device``, started at ``seed``.

    PyTorch's CPU generator uses the lower 32 bits of a seed alone, so among the millions of draws
    of the longest runs a few thousand pairs agree by chance. Each draw is still unbiased.
    """
    return torch.Generator(device).manual_seed(seed)


class SeedStream:
    """Seeds for successive calls of one layer: a function of run seed, name and call number.

    Attributes:
        calls: Seeds handed out so far; set it to resume a stream.

    Example:
        >>> stream = SeedStream(0, "fc1")
        >>> first = stream.next()
        >>> stream.calls = 0
        >>> stream.next() == first
        True
    """

    def __init__(self, run_seed: int, name: str) -> None:
        self.run_seed = run_seed
        self.name = name
        self.calls = 0

    def next(self) -> int:
        """Return the next seed, in [0, 2**63)."""
        self.calls += 1
        return derive_seed(self.run_seed, self.name, self.calls)

    def __repr__(self) -> str:
        return f"SeedStream(run_seed={self.run_seed}, name={self.name!r}, calls={self.calls})"
