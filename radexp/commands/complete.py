"""``radexp --shell-completion``: completion of commands here, of keys and options by Hydra."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from radexp.commands.train import show

COMPOSING = ("train", "tune", "reproduce")


def complete(words: Sequence[str], commands: Iterable[str]) -> int:
    """Install a shell's completion, or answer the shell's question about a half-typed line.

    Hydra completes a line ``APPLICATION KEY=VALUE ...``, so the command is taken out before it
    is asked. Install with ``eval "$(radexp --shell-completion install=bash)"``.

    Args:
        words: ``--shell-completion`` and what follows it.
        commands: The words that may follow ``radexp``.
    """
    line = os.environ.get("COMP_LINE")
    if line is not None:
        application, *rest = line.split(" ")
        if len(rest) <= 1:
            print(" ".join(commands))
            return 0
        if rest[0] not in COMPOSING:
            return 0
        os.environ["COMP_LINE"] = " ".join([application, *rest[1:]])
        os.environ["COMP_POINT"] = str(len(os.environ["COMP_LINE"]))
    return show(words, application="radexp")
