"""Where the YAML files lie, and which options each configuration group has."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def config_folder() -> Path:
    """Return the folder of the YAML files: inside an installed wheel, else of the checkout."""
    packaged = PACKAGE / "configs"
    return packaged if packaged.is_dir() else PACKAGE.parent / "configs"


def choices(group: str) -> list[str]:
    """Return the options of a configuration group, such as ``choices("estimator")``.

    Example:
        >>> choices("optimizer")
        ['adam', 'sgd']
    """
    return sorted(path.stem for path in (config_folder() / group).glob("*.yaml"))
