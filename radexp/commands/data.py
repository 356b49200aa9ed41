"""``radexp data``: fetch and verify data sets."""

from __future__ import annotations

from collections.abc import Sequence

from radexp.commands.words import wants_help
from radexp.data import DATASETS, fetch
from radexp.errors import UsageError, require

HELP = f"""\
radexp data: fetch and verify data sets.

  radexp data mnist
  radexp data mnist data.root=FOLDER

Names: {", ".join(DATASETS)}
data.root (or the variable RADEXP_DATA) names a folder of yours: its files are verified, nothing
is downloaded into it. Without either, files are downloaded once into a cache of this user."""


def data(words: Sequence[str]) -> int:
    """Fetch and verify the named data sets and print where they are.

    Raises:
        UsageError: If a name is unknown, or a file is missing, damaged or cannot be downloaded.
    """
    if wants_help(words):
        print(HELP)
        return 0
    names = [word for word in words if "=" not in word]
    settings = [word for word in words if "=" in word]
    roots = [word.removeprefix("data.root=") for word in settings]
    if not names or any(not word.startswith("data.root=") for word in settings):
        raise UsageError(
            f"{' '.join(['radexp data', *words])}: allowed is names of {', '.join(DATASETS)} and "
            "data.root=FOLDER; try radexp data mnist"
        )
    for name in names:
        require(name in DATASETS, name, ", ".join(DATASETS), "try radexp data mnist")
    for name in names:
        folder = fetch(name, roots[-1] if roots else None)
        print(f"{name}: verified in {folder}" if folder else f"{name}: embedded, verified")
    return 0
