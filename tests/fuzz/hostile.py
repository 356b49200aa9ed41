"""Damage to files from outside: texts that attack a page, a terminal or a parser; wrong values."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

from hypothesis import strategies as st

TEXTS = (
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg onload=alert(1)>"),
    *("</style><iframe src=//x>", "<!--", "]]>", "&amp;", "javascript:alert(1)", "${title} $style"),
    *("](javascript:alert(1))", "[x](javascript:alert(1))", "a|b|c", "`x`", "**x**", "\\", "# x"),
    *(
        "\x1b[31mred\x1b]0;title\x07",
        "\x00",
        "a\nb",
        "a\r\n\r\n# b",
        "\u202egnp",
        "\u2028",
        "\x9b2J",
    ),
    *(
        "$x^2$ $\\frac",
        "%s {} {0}",
        "=1+1",
        "x" * 3000,
        "é日本",
        "../../x",
        "/etc/passwd",
        "..",
        "",
    ),
    *("${seed}", "${oc.env:HOME}", "nan", "inf", "-1", "1e400", "9" * 400, "true", "null", "[]"),
)
VALUES = (None, True, 0, -1, 1.5, 1e308, -1e308, 10**30, [], [1], {}, {"a": {"b": [1]}}, [[[]]])
VALUE = st.one_of(st.sampled_from(TEXTS), st.sampled_from(VALUES), st.text(max_size=9))
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 9), VALUE), max_size=3)
BYTES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=5)


def damage_bytes(content: bytes, changes: list[tuple[int, int]], end: int | None) -> bytes:
    """Change some bytes and cut the rest off."""
    damaged = bytearray(content)
    for place, byte in changes if damaged else ():
        damaged[place % len(damaged)] = byte
    return bytes(damaged[:end])


def damage_table(text: str, changes: list[tuple[int, int, Any]]) -> str:
    """Change cells of a CSV file, its head included, or take out, double or widen rows."""
    rows = list(csv.reader(StringIO(text)))
    for place, what, value in changes:
        row = rows[place % len(rows)] if rows else []
        if what == 0 and rows:
            rows.remove(row)
        elif what == 1:
            rows.append(list(row))
        elif what == 2:
            row.append(str(value))
        elif row:
            row[place // max(1, len(rows)) % len(row)] = str(value)
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def damage_document(content: Any, changes: list[tuple[int, int, Any]]) -> str:
    """Change values of nested mappings, or take them out, or add some; as JSON."""
    content = json.loads(json.dumps(content))
    for place, what, value in changes:
        inner = content
        while isinstance(inner, dict) and inner:
            key = list(inner)[place % len(inner)]
            if isinstance(inner[key], dict) and what < 6:
                inner, place = inner[key], place // 7
                continue
            if what == 9:
                inner[str(value)] = value
            elif what == 8:
                del inner[key]
            else:
                inner[key] = value
            break
    return json.dumps(content)
