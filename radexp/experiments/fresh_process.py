"""Call a function in a process of its own, so that nothing of an earlier call is left in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

# Python's own pool cannot start a process from inside a worker of joblib's.
from joblib.externals.loky import ProcessPoolExecutor  # type: ignore[import-untyped]

from radexp.errors import UsageError
from radexp.experiments.orphans import end_with_parent
from radexp.memory import is_out_of_memory

Result = TypeVar("Result")


def in_fresh_process(given: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a new process.

    Args:
        given: The request as the user would type it, for the message.
        function: What to call; it, its arguments and its result must be picklable.
        *arguments: What to call it with.

    Returns:
        What the function returns; what it raises is raised here.

    Raises:
        UsageError: If the process runs out of memory or dies.
    """
    with ProcessPoolExecutor(1) as pool:
        try:
            result: Result = pool.submit(_call, function, *arguments).result()
            return result
        except BrokenProcessPool as error:
            raise _too_large(given, "died, perhaps for want of memory") from error
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise _too_large(given, "ran out of memory") from error


def _call(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process that ends with the one that wants to know."""
    end_with_parent()
    return function(*arguments)


def _too_large(given: str, how: str) -> UsageError:
    return UsageError(
        f"{given}: the measuring process {how}: allowed is what fits into this machine; take a "
        "smaller model or training.batch_size"
    )
