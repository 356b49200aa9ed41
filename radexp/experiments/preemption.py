"""A job of a cluster that is told to make room: it writes its checkpoint before it goes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def making_room() -> Iterator[None]:
    """Let a cluster's signals interrupt a job, and only then do what they stand for.

    SIGUSR2 warns that time is nearly up. Whoever started the job waits for it, puts the job back
    into the queue and ends the process at once, in the middle of a step. Here it interrupts the job
    as SIGTERM does, and reaches them when the record is written. SIGTERM itself, which they ignore,
    interrupts too. Where nobody waits for SIGUSR2, all is left as it is.
    """
    theirs = signal.getsignal(signal.SIGUSR2)
    if not callable(theirs):
        yield
        return
    warned = False

    def warn(number: int, frame: FrameType | None) -> None:
        nonlocal warned
        warned = True
        signal.raise_signal(signal.SIGTERM)  # whose handler is a run's while it trains

    signal.signal(signal.SIGUSR2, warn)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGUSR2, theirs)
        if warned:
            signal.raise_signal(signal.SIGUSR2)
