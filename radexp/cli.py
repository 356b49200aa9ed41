"""The command line: the first word picks the command, the rest are Hydra overrides."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from radexp import __version__
from radexp.errors import UsageError, printable
from radexp.interrupts import interruptible, was_asked_to_stop

COMMANDS = {
    "train": "train a network, or with -m a sweep of them",
    "tune": "draw step size and L2 at random, judge them on held-out examples",
    "reproduce": "run every experiment at a preset's scale, then report",
    "status": "show which jobs of a sweep wait, run, are done or have failed, and why",
    "report": "draw curves, a table and claims from run records",
    "memory": "predict and measure the bytes of a training step: the paper's Table 1",
    "variance": "measure bias and variance of gradient estimates against the bytes they keep",
    "graph": "draw the graph of a function, list its paths and sample them",
    "data": "fetch and verify data sets",
}
RESUMING = ("train", "tune", "reproduce")
USAGE = "\n".join(
    [
        "radexp: randomized automatic differentiation under a measured memory budget.",
        "",
        "Usage: radexp COMMAND [KEY=VALUE ...]",
        "",
        *(f"  {name:<10} {text}" for name, text in COMMANDS.items()),
        "",
        "radexp COMMAND --help tells more; radexp --version the version.",
        'eval "$(radexp --shell-completion install=bash)" completes commands, keys and options.',
        "A mistake in what was asked for is told in one line, with exit status 2.",
        "Set HYDRA_FULL_ERROR=1 for the full traceback of an error.",
    ]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The words after ``radexp``; by default the process's own.

    Returns:
        The exit status: 0 done, 1 a run did not complete, 2 impossible request, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if words[0] == "--version":
        print(f"radexp {__version__}")
        return 0
    try:
        with interruptible():
            if words[0] in ("-sc", "--shell-completion"):
                return int(import_module("radexp.commands.complete").complete(words, COMMANDS))
            return _command(words[0])(words[1:])
    except (UsageError, SystemExit) as error:
        if was_asked_to_stop():  # in the middle of what then failed
            return _interrupted(words[0])
        if isinstance(error, SystemExit):
            raise
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        print(f"radexp: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _interrupted(words[0])
    except BrokenPipeError:
        # The reader of our output has gone, as in `radexp train --help | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _interrupted(command: str) -> int:
    """Say how to go on; return the exit status."""
    again = "resumes" if command in RESUMING else "starts anew"
    print(f"radexp: interrupted; the same command {again}", file=sys.stderr)
    return 130


def _command(name: str) -> Callable[[Sequence[str]], int]:
    if name not in COMMANDS:
        raise UsageError(f"{name}: allowed is {', '.join(COMMANDS)}; see radexp --help")
    command: Callable[[Sequence[str]], int] = getattr(
        import_module(f"radexp.commands.{name}"), name
    )
    return command


if __name__ == "__main__":
    sys.exit(main())
