"""Environments: where records came from, read from environment.json."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from radexp.reporting.reading import damaged, read_json


def read_environments(path: Path) -> list[dict[str, Any]]:
    """Return the environments of environment.json, one or a list; none without the file.

    Raises:
        UsageError: If it holds something else.
    """
    content = read_json(path) if path.is_file() else []
    content = [content] if isinstance(content, dict) else content
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise damaged(path, "not a list of objects", "environments as collected")
    return content


def distinct(environments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each environment once, in the order in which they first come.

    Example:
        >>> distinct([{"threads": 2}, {"threads": 1}, {"threads": 2}])
        [{'threads': 2}, {'threads': 1}]
    """
    found: list[dict[str, Any]] = []
    for environment in environments:
        if environment not in found:
            found.append(environment)
    return found
