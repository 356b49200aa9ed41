"""The one exception that means "the user asked for something impossible"."""


class UsageError(Exception):
    """A request that cannot be carried out, explained in one line.

    The message says what was given, what is allowed and how to mend it. The command line prints
    it without a traceback and exits with status 2; library callers can catch it.

    Example:
        >>> raise UsageError("keep=0: allowed is 0 < keep <= 1; try keep=0.1")
        Traceback (most recent call last):
        ...
        radexp.errors.UsageError: keep=0: allowed is 0 < keep <= 1; try keep=0.1
    """


class BudgetError(UsageError):
    """A budget into which not even the least that an estimator keeps fits.

    A sweep over budgets leaves such a combination out; elsewhere it is refused like any other.

    Example:
        >>> issubclass(BudgetError, UsageError)
        True
    """


def printable(text: str) -> str:
    r"""Return text as one line without what a terminal would obey: escapes, bells, line ends.

    Example:
        >>> printable("a\x1b[31m\n b")
        'a [31m b'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def require(ok: bool, given: str, allowed: str, mend: str) -> None:
    """Raise a UsageError in the form that all messages have, unless ``ok``.

    Args:
        ok: Whether the request is possible.
        given: What was given, as the user would type it.
        allowed: What is allowed instead.
        mend: How to mend it.

    Raises:
        UsageError: If not ``ok``.

    Example:
        >>> require(2 > 1, "two", "more than one", "try 3")
    """
    if not ok:
        raise UsageError(f"{given}: allowed is {allowed}; {mend}")
