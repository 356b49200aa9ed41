"""Workers that end with the command that started them, however it ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# The environment variable that tells a worker which process started the sweep.
LAUNCHER = "RADEXP_LAUNCHER"
POLL_SECONDS = 0.5


def is_orphan() -> bool:
    """Tell whether this process was started by a sweep's command that is no longer there."""
    launcher = os.environ.get(LAUNCHER, "")
    return launcher.isdecimal() and int(launcher) not in (os.getpid(), os.getppid())


@contextmanager
def ending_with_launcher() -> Iterator[None]:
    """Stop a job, as by SIGTERM, when the command that started its worker process was killed.

    A command that is killed with SIGKILL cannot tell its workers. They would go on, and hold the
    folders of their runs while the same command, started again, wants to resume them. Processes
    that are no children of such a command, this one or a cluster's, are left alone.
    """
    if os.environ.get(LAUNCHER) != str(os.getppid()):
        yield
        return
    _watch()
    try:
        yield
    finally:
        if is_orphan():
            os._exit(1)  # nobody waits for what is left in the queue


@cache
def _watch() -> None:
    """Start the thread that ends this process, at work or not, when it is an orphan."""

    def end() -> None:
        while not is_orphan():
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()
