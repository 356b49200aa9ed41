"""Workers that end with the process that started them, however it ended.

A command that is killed with SIGKILL cannot tell its workers. They would go on, and hold the
folders of their runs while the same command, started again, wants to resume them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import current_process

# The environment variable that tells a worker which process started the sweep.
LAUNCHER = "RADEXP_LAUNCHER"
POLL_SECONDS = 0.5


@cache
def end_with_parent() -> None:
    """Send this process, at work or not, a SIGTERM as soon as its parent is another than now."""
    parent = os.getppid()

    def end() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()


@contextmanager
def ending_with_launcher() -> Iterator[None]:
    """Stop a job, as by SIGTERM, when the command that started its worker process is gone.

    Processes that are no children of a sweep's command, that command's own or a cluster's, are
    left alone.
    """
    launcher = os.environ.get(LAUNCHER)
    is_orphan = launcher is not None and launcher != str(os.getppid())
    if is_orphan and current_process().name.startswith("LokyProcess"):
        os._exit(1)  # the command was gone before this worker's first job
    if launcher != str(os.getppid()):
        yield
        return
    end_with_parent()
    try:
        yield
    finally:
        if launcher != str(os.getppid()):
            os._exit(1)  # nobody waits for what is left in the queue
