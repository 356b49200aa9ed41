"""The check that a name is one of a configuration group's options."""

from __future__ import annotations

from radexp.catalogue import choices
from radexp.errors import require


def require_choice(group: str, name: str) -> None:
    """Refuse a name that is none of the YAML files of a group.

    Args:
        group: A configuration group, such as ``"model"``.
        name: What was chosen from it.

    Raises:
        UsageError: If there is no ``configs/GROUP/NAME.yaml``.

    Example:
        >>> require_choice("optimizer", "adam")
    """
    require(
        name in choices(group),
        f"{group}.name={name}",
        ", ".join(choices(group)),
        f"set {group}=NAME instead",
    )
