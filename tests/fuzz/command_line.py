"""A command line in this process, stopped right before its work, and held to what it promises."""

from __future__ import annotations

import contextlib
import io
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from radexp.cli import main

MAX_SECONDS = 10.0  # of processor time, for one line
MAX_GROWTH_KIB = 512 * 1024
# Where each command begins to work, once it has accepted its words.
WORK = (
    *("radexp.commands.train.run_jobs", "radexp.commands.tune.launch"),
    *("radexp.commands.reproduce.launch", "radexp.commands.memory._measure"),
    *("radexp.commands.variance._measure", "radexp.commands.graph.reverse"),
    *("radexp.commands.tensor_graph.reverse_jacobians", "radexp.commands.report.write_report"),
    *("radexp.commands.data.fetch", "radexp.data.sources.download"),
)


class Accepted(BaseException):
    """What was asked for is possible: the work would begin here."""


def outcome_of(words: Sequence[str]) -> tuple[int | None, str, str]:
    """Run a command line up to its work.

    Returns:
        Its exit status, None if its words were accepted, and what it printed on both streams.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        for name in WORK:
            stack.enter_context(mock.patch(name, side_effect=Accepted))
        stack.enter_context(mock.patch.object(sys, "argv", ["radexp", *words]))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            status: int | None = main(words)
        except Accepted:
            status = None
        except SystemExit as end:  # Hydra's way to end after its help
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


def check(words: Sequence[str], folder: Path) -> bool:
    """Hold a command line to its promise: accepted, or refused in one line with nothing left.

    Args:
        words: What follows ``radexp``.
        folder: The current folder, empty.

    Returns:
        Whether it was accepted.
    """
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    status, _, err = outcome_of(words)
    seconds = time.process_time() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert seconds < MAX_SECONDS, f"{seconds:.1f} s"
    assert grown < MAX_GROWTH_KIB, f"{grown} KiB more"
    assert list(folder.iterdir()) == []
    if status in (None, 0):
        return True
    assert status == 2
    assert err.startswith("radexp: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1, err
    assert err[:-1].isprintable(), err
    return False
