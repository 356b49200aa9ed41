"""One self-contained HTML page: no other file, no network, no script, every text escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from radexp.reporting.claim_html import claim_details, claims_overview
from radexp.reporting.content import INTRODUCTION, TITLE, Content
from radexp.reporting.figures import as_data_uri
from radexp.reporting.grids import Grid
from radexp.reporting.judging import JUDGES
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
SECTIONS = {  # of measurements
    "memory": "Table 1, side by side",
    "depth": "Variance against depth",
    "noise": "Gradient noise",
    "bias": "Unbiasedness",
    "frontier": "Beyond the paper: the frontier",
}
NARROW = ("headline",)  # pictures of one panel, which read on a phone as they are


def render(content: Content, home: Path) -> str:
    """Return the page's HTML.

    Args:
        content: What it shows.
        home: The folder where it will stand: links to records are relative to it.
    """
    sections = {
        "Claims": claims_overview(content.judged, _spots(content), home),
        "Verdicts in detail": claim_details(content.judged),
        **_sections(content),
    }
    body = "\n".join(
        f"<section id='{_slug(heading)}'>\n<h2>{heading}</h2>\n{text}\n</section>"
        for heading, text in sections.items()
        if text
    )
    items = "".join(
        f"<li><a href='#{_slug(heading)}'>{heading}</a></li>"
        for heading, text in sections.items()
        if text
    )
    head = (
        f"<p>{escape(INTRODUCTION)}</p>\n"
        f"<p class='note'>Studies: {escape(', '.join(content.studies))}</p>\n"
        f"<nav aria-label='Contents'><ul>{items}</ul></nav>\n"
        f"{_figure(content, content.pictures[0]) if content.pictures else ''}"
    )
    return PAGE.substitute(title=escape(TITLE), style=STYLE, head=head, sections=body)


def _sections(content: Content) -> dict[str, str]:
    """Return what follows the claims, by heading; those that are empty have no text."""
    return {
        SECTIONS["memory"]: _measured(content, "memory"),
        "Training curves": _pictures(content, "curves"),
        "Reactor": _pictures(content, "reactor"),
        SECTIONS["depth"]: _measured(content, "depth"),
        SECTIONS["noise"]: _measured(content, "noise"),
        SECTIONS["bias"]: _measured(content, "bias"),
        SECTIONS["frontier"]: "\n".join(
            part
            for part in (_pictures(content, "slowdowns"), _measured(content, "frontier"))
            if part
        ),
        "Final table": as_html(content.table) if len(content.table) else "",
        "Runs and jobs that did not complete": _incomplete(content),
        "Deviations from the published protocol": _deviations(content),
        "Commands": "\n".join(_command(*entry) for entry in content.commands),
        "Environment": "\n".join(_environment(item) for item in content.environments),
    }


def _spots(content: Content) -> dict[str, str]:
    """Return the id of the curves of each setting, and of the section of each measured claim."""
    curves = [picture for picture in content.pictures if picture.kind in ("curves", "reactor")]
    claims = {claim: kind for kind, (ids, _) in JUDGES.items() for claim in ids}
    return {
        **{claim: _slug(SECTIONS[kind]) for claim, kind in claims.items()},
        **{picture.title: _id(content, picture) for picture in curves},
    }


def _slug(heading: str) -> str:
    """Return a section's id."""
    return re.sub("[^a-z0-9]+", "-", heading.lower())


def _id(content: Content, picture: Picture) -> str:
    """Return a figure's id."""
    return f"figure-{content.pictures.index(picture) + 1}"


def _figure(content: Content, picture: Picture) -> str:
    """Return a figure with its text alternative; a wide one scrolls in its box on a phone."""
    kind = "narrow" if picture.kind in NARROW else "wide"
    return (
        f"<figure id='{_id(content, picture)}'><div class='scroll {kind}'>"
        f"<img alt='{escape(picture.alt)}' src='{as_data_uri(picture.path)}'></div>"
        f"<figcaption>{escape(picture.words)}</figcaption></figure>"
    )


def _pictures(content: Content, kind: str) -> str:
    """Return the figures of a kind, but not the one that the page begins with."""
    chosen = [picture for picture in content.pictures if picture.kind == kind]
    return "\n".join(
        f"<p class='note'>{escape(picture.title)}: the figure at the top.</p>"
        if picture is content.pictures[0]
        else _figure(content, picture)
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
