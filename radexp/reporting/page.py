"""One self-contained HTML page: no other file, no network, no script, every text escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Any

import pandas as pd

from radexp.analysis.claims import RULE, Verdict
from radexp.reporting.figures import CAPTION
from radexp.reporting.reading import one_line
from radexp.reporting.table import as_html, html_table

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #ccc; --soft: #f4f4f4;
  --good: #00674a; --bad: #a33b00; --open: #555; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181b; --line: #444;
  --soft: #22262a; --good: #5fd3ae; --bad: #ff9b66; --open: #b5b5b5; } }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .8rem .35rem 0; text-align: left;
  white-space: nowrap; vertical-align: top; }
.wrap td { white-space: normal; min-width: 6rem; }
pre { background: var(--soft); padding: .8rem; white-space: pre-wrap; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; background: #fff; padding: .4rem;
  box-sizing: border-box; border-radius: .3rem; }
.note, figcaption { font-size: .85rem; color: var(--open); }
.verdict { font-weight: 600; } .reproduced { color: var(--good); }
.not { color: var(--bad); } .inconclusive { color: var(--open); }
article { border-top: 1px solid var(--line); padding: .6rem 0; } article p { margin: .3rem 0; }
"""

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
<h1>$title</h1>
$sections
</body>
</html>
""")


@dataclass(frozen=True)
class Content:
    """What a page shows.

    Attributes:
        title: Its heading.
        verdicts: Verdicts on claims.
        problems: Claims that could not be judged, and why.
        table: The final table.
        images: Title and data URI of each figure.
        runs: The run table, for the runs that did not complete.
        command: The command or commands that made the records; may be empty.
        deviations: Where the protocol differs from the published one; may be empty.
        environments: Where the runs ran.
    """

    title: str
    verdicts: Sequence[Verdict]
    problems: Sequence[str]
    table: pd.DataFrame
    images: Sequence[tuple[str, str]]
    runs: pd.DataFrame
    command: str
    deviations: str
    environments: Sequence[dict[str, Any]]


def render(content: Content) -> str:
    """Return the page's HTML."""
    sections = {
        "Claims": _claims(content.verdicts, content.problems),
        "Final table": as_html(content.table),
        "Curves": _figures(content.images),
        "Runs that did not complete": _incomplete(content.runs),
        "Deviations from the published protocol": _preformatted(content.deviations),
        "Command": _preformatted(content.command),
        "Environment": "\n".join(_environment(item) for item in content.environments),
    }
    body = "\n".join(
        f"<section>\n<h2>{heading}</h2>\n{text}\n</section>"
        for heading, text in sections.items()
        if text
    )
    return PAGE.substitute(title=escape(content.title), style=STYLE, sections=body)


def _claims(verdicts: Sequence[Verdict], problems: Sequence[str]) -> str:
    """Return a summary of the verdicts, each with its numbers below, and what is not judged."""
    parts = [_verdict(verdict) for verdict in verdicts]
    parts += [
        f"<article><p><span class='verdict not'>not judged</span> {escape(problem)}</p></article>"
        for problem in problems
    ]
    if not parts:
        return "<p>None of the paper's claims speaks of these runs.</p>"
    return f"<p class='note'>{escape(RULE)}</p>\n" + "\n".join(parts)


def _verdict(verdict: Verdict) -> str:
    """Return one claim, its verdict, its sentence, and the table of all comparisons."""
    rows = []
    for comparison in verdict.comparisons:
        pair = f"{comparison.favoured} - {comparison.other}"
        views = {verdict.statistic + " (decides)": comparison.deciding, **comparison.secondary}
        rows += [(pair, name, str(value), str(value.n)) for name, value in views.items()]
    heads = ("difference", "view", "mean [95% interval]", "n")
    numbers = html_table(heads, rows) if rows else ""
    kind = verdict.verdict.split()[0]
    return (
        f"<article><h3>{escape(verdict.claim)}: {escape(verdict.title)}</h3>\n"
        f"<p><span class='verdict {escape(kind)}'>{escape(verdict.verdict)}</span> "
        f"{escape(verdict.sentence)}</p>\n<p class='note'>{escape(verdict.setting)}</p>\n"
        f"{numbers}</article>"
    )


def _figures(images: Sequence[tuple[str, str]]) -> str:
    """Return the figures with their text alternatives."""
    return "\n".join(
        f"<figure><img alt='Loss and accuracy curves of {escape(title)}' src='{uri}'>"
        f"<figcaption>{escape(CAPTION)}</figcaption></figure>"
        for title, uri in images
    )


def _incomplete(runs: pd.DataFrame) -> str:
    """List runs of any other status, with their messages."""
    others = runs[runs["status"] != "completed"].astype({"seed": str})
    columns = ["run", "arm", "seed", "status", "message"]
    return _wrapped(columns, others[columns].to_numpy().tolist()) if len(others) else ""


def _preformatted(text: str) -> str:
    return f"<pre>{escape(text.strip())}</pre>" if text.strip() else ""


def _environment(environment: dict[str, Any]) -> str:
    """Return one environment as a table of keys and values."""
    return _wrapped(
        ("key", "value"),
        [(one_line(key), one_line(_words(value))) for key, value in sorted(environment.items())],
    )


def _words(value: Any) -> str:
    """Write a nested value without brackets where it is a plain mapping."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in sorted(value.items()))
    return value if isinstance(value, str) else json.dumps(value)


def _wrapped(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose cells hold sentences and so may break into lines."""
    return f"<div class='wrap'>{html_table(heads, rows)}</div>"
