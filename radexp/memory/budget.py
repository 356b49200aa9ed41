"""Byte budgets: what a user may write, and the largest number that fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from radexp.errors import UsageError

UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_PATTERN = re.compile(r"\s*(\d{1,30}(?:\.\d{1,30})?)\s*([A-Za-z]+|%)\s*", re.ASCII)
_UNIT_BY_LOWER_CASE = {unit.lower(): factor for unit, factor in UNITS.items()}


@dataclass(frozen=True)
class Budget:
    """A limit on parameters plus everything autograd holds for the backward pass.

    Attributes:
        text: As the user wrote it.
        amount: Bytes, or the fraction of the stock exact step's saved bytes.
        relative: Whether ``amount`` is such a fraction.
    """

    text: str
    amount: Fraction
    relative: bool

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read ``1.8MB``, ``500kB``, ``2MiB`` or ``10%``; upper and lower case are alike.

        Raises:
            UsageError: If the text is none of these, or not above zero.

        Example:
            >>> Budget.parse("1.8MB").limit_bytes(0, 0)
            1800000
            >>> Budget.parse("10%").limit_bytes(parameter_bytes=1000, exact_saved_bytes=500)
            1050
        """
        match = _PATTERN.fullmatch(text)
        unit = match[2].lower() if match else ""
        if not match or (unit != "%" and unit not in _UNIT_BY_LOWER_CASE) or not Fraction(match[1]):
            raise UsageError(
                f"budget={text}: allowed is a number above zero with one of {', '.join(UNITS)} "
                "or %; try budget=1.8MB or budget=10%"
            )
        if unit == "%":
            return cls(text, Fraction(match[1]) / 100, relative=True)
        return cls(text, Fraction(match[1]) * _UNIT_BY_LOWER_CASE[unit], relative=False)

    def limit_bytes(self, parameter_bytes: int, exact_saved_bytes: int) -> int:
        """Return the limit in whole bytes.

        Args:
            parameter_bytes: Bytes of the parameters.
            exact_saved_bytes: What the stock exact step of ``training.batch_size`` examples holds;
                a budget in percent is the parameters plus that part of it.
        """
        if self.relative:
            return parameter_bytes + int(self.amount * exact_saved_bytes)
        return int(self.amount)

    def __str__(self) -> str:
        return self.text


def solve_largest(low: int, high: int, fits: Callable[[int], bool]) -> int | None:
    """Return the largest whole number in [low, high] that fits, by bisection.

    Args:
        low: The least candidate.
        high: The largest candidate.
        fits: A monotone test: once it fails it fails for every larger number.

    Returns:
        The number, or None if not even ``low`` fits.

    Example:
        >>> solve_largest(1, 100, lambda n: 6784 * n <= 123_560)
        18
    """
    if not fits(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def format_bytes(count: int) -> str:
    """Write a number of bytes for people, in powers of ten as the paper does.

    Example:
        >>> format_bytes(1_801_919), format_bytes(58_561), format_bytes(7)
        ('1.802 MB', '58.6 kB', '7 B')
    """
    if count >= 999_950:  # what would round to 1000.0 kB
        return f"{count / 1e6:.3f} MB"
    return f"{count / 1e3:.1f} kB" if count >= 10**3 else f"{count} B"
