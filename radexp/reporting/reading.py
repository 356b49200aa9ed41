"""Reading files that may be damaged or hostile: every fault is one clear line, nothing is run."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import yaml  # type: ignore[import-untyped]
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from radexp.errors import UsageError, printable

DOCUMENT_LIMIT_BYTES = 2_000_000
TABLE_LIMIT_BYTES = 500_000_000
TEXT_LIMIT = 500


def damaged(path: Path, what: str, allowed: str, mend: str = "run it again") -> UsageError:
    """Return the one form of error about a file: what, what is allowed, how to mend it."""
    return UsageError(one_line(f"{path}: {what}; allowed is {allowed}; {mend}"))


def one_line(value: object) -> str:
    """Return a value as one line of at most 500 printable characters."""
    text = printable(str(value)[: 4 * TEXT_LIMIT])
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def plain_lines(text: str) -> str:
    """Return text with its lines as they are, and spaces for what else does not print."""
    lines = text.splitlines()
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)


def read_text(path: Path, limit_bytes: int = DOCUMENT_LIMIT_BYTES) -> str:
    """Return a regular UTF-8 file's text.

    Raises:
        UsageError: If it cannot be read, is too large, or is not UTF-8.
    """
    if not path.is_file():
        raise damaged(path, "not a file", "a readable file")
    try:
        if path.stat().st_size > limit_bytes:
            raise damaged(path, "too large", f"at most {limit_bytes:,} bytes")
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path, f"unreadable ({error})", "UTF-8 text") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML mapping of plain values; interpolations stay text.

    Raises:
        UsageError: If the file is not such a mapping.
    """
    text = read_text(path)
    try:
        if not isinstance(yaml.compose(text, Loader=yaml.SafeLoader), yaml.MappingNode):
            raise damaged(path, "not a mapping", "a mapping of plain values")
        # An alias can blow a small file up to any size; a resolved config has none.
        if "*" in text and any(isinstance(t, yaml.AliasToken) for t in yaml.scan(text)):
            raise damaged(path, "a YAML alias", "plain values")
        content = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise damaged(path, f"not YAML ({error})", "a mapping of plain values") from None
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        UsageError: If it is not JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not JSON ({error})", "JSON as radexp writes it") from None


def read_table(path: Path, columns: tuple[str, ...], whole: bool = True) -> pd.DataFrame:
    """Return a CSV file as text cells; empty cells are empty strings.

    Args:
        path: The file.
        columns: Exactly the columns it must have, in order.
        whole: Whether the last line must be complete; else an unfinished one is left out, as a
            run killed while writing leaves it.

    Raises:
        UsageError: If it is not such a table.
    """
    text = read_text(path, TABLE_LIMIT_BYTES)
    if not text.endswith("\n"):
        if whole:
            raise damaged(path, "ends in the middle of a line", "whole lines")
        text = text[: text.rfind("\n") + 1]
    allowed = f"the columns {','.join(columns)}"
    try:
        rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise damaged(path, f"not CSV ({error})", allowed) from None
    if not rows or tuple(rows[0]) != columns:
        raise damaged(path, f"columns {','.join(rows[0] if rows else [])}", allowed)
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(columns):
            raise damaged(path, f"{len(row)} cells in row {number}", allowed)
    return pd.DataFrame(rows[1:], columns=list(columns), dtype=str)


def to_numbers(values: pd.Series[str], path: Path) -> list[float]:
    """Convert text cells to floats, empty ones to NaN, exactly as they were written."""
    return [as_number(value or None, path, str(values.name)) for value in values]


def to_integers(values: pd.Series[str], path: Path) -> list[int]:
    """Convert text cells to whole numbers of at least 0."""
    return [as_integer(value, path, str(values.name)) for value in values]


def as_number(value: object, path: Path, name: str) -> float:
    """Return a float; None becomes NaN.

    Raises:
        UsageError: If the value is no number.
    """
    if value is None:
        return float("nan")
    try:
        if isinstance(value, (bool, list, dict)):
            raise ValueError
        return float(str(value))
    except ValueError:
        raise damaged(path, f"{name}={one_line(value)[:80]}", "a number") from None


def as_integer(value: object, path: Path, name: str) -> int:
    """Return an integer between 0 and 2**63 - 1.

    Raises:
        UsageError: If the value is something else.
    """
    try:
        number = -1 if isinstance(value, bool) else int(str(value))
    except ValueError:
        number = -1
    if not 0 <= number < 2**63:
        raise damaged(path, f"{name}={one_line(value)[:80]}", "a whole number, 0 or more")
    return number
