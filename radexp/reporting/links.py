"""Links from a page or a text to the folders and pictures that it tells of."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def link_to(target: Path, home: Path) -> str:
    """Return the address of a file or folder, whatever bytes its name is made of.

    Args:
        target: Where the link leads.
        home: The folder that it is relative to.

    Example:
        >>> link_to(Path("outputs/a b"), Path("outputs/report"))
        '../a%20b'
    """
    relative = Path(os.path.relpath(target.resolve(), home.resolve())).as_posix()
    return quote(os.fsencode(relative))
