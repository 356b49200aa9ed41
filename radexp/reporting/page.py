"""One self-contained HTML page: no other file, no network, no script, every text escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from string import Template
from typing import Any

from radexp.reporting.claim_html import claim_details, claims_overview
from radexp.reporting.content import INTRODUCTION, TITLE, Content
from radexp.reporting.figures import as_data_uri
from radexp.reporting.grids import Grid
from radexp.reporting.pictures import Picture
from radexp.reporting.prose import prose_html
from radexp.reporting.reading import one_line
from radexp.reporting.style import STYLE
from radexp.reporting.table import as_html, html_table

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header>
<h1>$title</h1>
$head
</header>
$sections
</body>
</html>
""")
UNFOLDED_ROWS = 12
NARROW = ("headline",)  # pictures of one panel, which read on a phone as they are


def render(content: Content) -> str:
    """Return the page's HTML."""
    first = content.pictures[0] if content.pictures else None
    sections = {
        "Claims": claims_overview(content.judged),
        "Verdicts in detail": claim_details(content.judged),
        "Table 1, side by side": _measured(content, "memory"),
        "Training curves": _pictures(content, "curves"),
        "Reactor": _pictures(content, "reactor"),
        "Variance against depth": _measured(content, "depth"),
        "Gradient noise": _measured(content, "noise"),
        "Unbiasedness": _measured(content, "bias"),
        "Final table": as_html(content.table) if len(content.table) else "",
        "Runs and jobs that did not complete": _incomplete(content),
        "Deviations from the published protocol": _deviations(content),
        "Commands": "\n".join(_command(*entry) for entry in content.commands),
        "Environment": "\n".join(_environment(item) for item in content.environments),
    }
    body = "\n".join(
        f"<section>\n<h2>{heading}</h2>\n{text}\n</section>"
        for heading, text in sections.items()
        if text
    )
    head = (
        f"<p>{escape(INTRODUCTION)}</p>\n"
        f"<p class='note'>Studies: {escape(', '.join(content.studies))}</p>\n"
        f"{_figure(first) if first else ''}"
    )
    return PAGE.substitute(title=escape(TITLE), style=STYLE, head=head, sections=body)


def _figure(picture: Picture) -> str:
    """Return a figure with its text alternative; a wide one scrolls in its box on a phone."""
    kind = "narrow" if picture.kind in NARROW else "wide"
    return (
        f"<figure><div class='scroll {kind}'><img alt='{escape(picture.alt)}' "
        f"src='{as_data_uri(picture.path)}'></div>"
        f"<figcaption>{escape(picture.words)}</figcaption></figure>"
    )


def _pictures(content: Content, kind: str) -> str:
    """Return the figures of a kind, but not the one that the page begins with."""
    chosen = [picture for picture in content.pictures if picture.kind == kind]
    return "\n".join(
        f"<p class='note'>{escape(picture.title)}: the figure at the top.</p>"
        if picture is content.pictures[0]
        else _figure(picture)
        for picture in chosen
    )


def _measured(content: Content, kind: str) -> str:
    """Return the tables and the figures of a kind of measurement."""
    tables = [_grid(grid) for grid in content.grids[kind]]
    return "\n".join(part for part in [*tables, _pictures(content, kind)] if part)


def _grid(grid: Grid) -> str:
    """Return a table under its title; a long one is folded."""
    note = f"<p class='note'>{escape(grid.note)}</p>" if grid.note else ""
    table = f"{html_table(grid.heads, grid.rows)}\n{note}"
    if len(grid.rows) > UNFOLDED_ROWS:
        return f"<details><summary>{escape(grid.title)}</summary>{table}</details>"
    return f"<h3>{escape(grid.title)}</h3>\n{table}"


def _incomplete(content: Content) -> str:
    """List runs and jobs of any other status, with their messages."""
    rows = content.incomplete
    return _wrapped(list(rows.columns), rows.to_numpy().tolist()) if len(rows) else ""


def _deviations(content: Content) -> str:
    """Return what code found and what people wrote, by study."""
    parts = []
    for heading, facts, text in content.deviations:
        parts.append(f"<h3>{escape(heading)}</h3>" if heading else "")
        items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
        parts.append(f"<ul>{items}</ul>" if items else "")
        parts.append(prose_html(text))
    return "\n".join(part for part in parts if part)


def _command(where: str, command: str) -> str:
    return f"<p class='note'>{escape(where)}</p>\n<pre>{escape(command.strip())}</pre>"


def _environment(environment: dict[str, Any]) -> str:
    """Return one environment as a table of keys and values, folded."""
    rows = [(one_line(key), one_line(_words(value))) for key, value in sorted(environment.items())]
    known = dict(rows)
    summary = ", ".join(
        known[key] for key in ("cpu", "gpu", "platform", "git_commit") if key in known
    )
    table = _wrapped(("key", "value"), rows)
    return f"<details><summary>{escape(summary or 'environment')}</summary>{table}</details>"


def _words(value: Any) -> str:
    """Write a nested value without brackets where it is a plain mapping."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in sorted(value.items()))
    return value if isinstance(value, str) else json.dumps(value)


def _wrapped(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose cells hold sentences and so may break into lines."""
    return f"<div class='wrap'>{html_table(heads, rows)}</div>"
