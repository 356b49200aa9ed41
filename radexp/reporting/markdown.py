"""The report as Markdown, for a README: claims, Table 1, final tables and figures by their path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from radexp.errors import printable
from radexp.reporting.claim_rows import COUNTED, ClaimRow, claim_rows, tally
from radexp.reporting.content import INTRODUCTION, TITLE, Content
from radexp.reporting.grids import Grid
from radexp.reporting.links import link_to
from radexp.reporting.pictures import Picture
from radexp.reporting.table import NOTES, RESULT_HEADS, short_rows

CLAIM_HEADS = (
    "id",
    "the paper's claim",
    "judged",
    "verdict",
    "scale",
    "deciding statistic [95% interval]",
    "n",
    "evidence",
)
MEMORY_HEADS = ("kept", "memory MB")


def render_markdown(content: Content, home: Path) -> str:
    """Return the report as Markdown.

    Args:
        content: What it shows.
        home: The folder where the text will stand: all links are relative to it.
    """
    rows = claim_rows(content.judged)
    sections = {
        "Claims": [f"{tally(rows)}. {COUNTED}", _claims(rows, home)],
        "Table 1, side by side": _measured(content, "memory", home),
        "Training curves": _pictures(content, "curves", home),
        "Reactor": _pictures(content, "reactor", home),
        "Variance against depth": _pictures(content, "depth", home),
        "Gradient noise": _measured(content, "noise", home),
        "Unbiasedness": _measured(content, "bias", home),
        "Beyond the paper: the frontier": [
            *_pictures(content, "slowdowns", home),
            *_measured(content, "frontier", home),
        ],
        "Final tables": _finals(content),
        "Runs and jobs that did not complete": _incomplete(content),
        "Deviations from the published protocol": _deviations(content),
        "Commands": [f"- {_text(where)}: `{_code(words)}`" for where, words in content.commands],
    }
    parts = [f"# {TITLE}", INTRODUCTION]
    parts += [_figure(picture, home) for picture in content.pictures[:1]]
    for heading, texts in sections.items():
        if texts:
            parts += [f"## {heading}", ("\n" if heading == "Commands" else "\n\n").join(texts)]
    return "\n\n".join(parts) + "\n"


def _claims(rows: Sequence[ClaimRow], home: Path) -> str:
    """Return the table of claims, the paper's words in the first row of each."""
    first = {row.claim: row for row in reversed(rows)}
    cells = [
        (
            *(row.claim, _text(f"{row.paper} ({row.where})") if first[row.claim] is row else ""),
            _text(row.title),
            f"**{row.verdict}**",
            _text("; ".join(part for part in (row.scale, row.setting) if part)),
            *(_text(row.numbers), row.n, _link(row.place, home)),
        )
        for row in rows
    ]
    return _table(CLAIM_HEADS, cells)


def _link(place: Path | None, home: Path) -> str:
    if place is None:
        return ""
    return f"[{_text(place.name)}](<{link_to(place, home)}>)"


def _figure(picture: Picture, home: Path) -> str:
    return f"![{_text(picture.alt)}](<{link_to(picture.path, home)}>)\n\n{_text(picture.words)}"


def _pictures(content: Content, kind: str, home: Path) -> list[str]:
    """Return the figures of a kind, but not the one that the text begins with."""
    return [_figure(picture, home) for picture in content.pictures[1:] if picture.kind == kind]


def _measured(content: Content, kind: str, home: Path) -> list[str]:
    """Return the tables and the figures of a kind of measurement, each note once."""
    parts, notes = [], []
    for grid in content.grids[kind]:
        parts += _grid(grid)
        notes += [_text(grid.note)] * (bool(grid.note) and _text(grid.note) not in notes)
    return [*parts, *notes, *_pictures(content, kind, home)]


def _grid(grid: Grid) -> list[str]:
    cells = [tuple(map(_text, row)) for row in grid.rows]
    return [f"**{_text(grid.title)}**", _table(tuple(map(_text, grid.heads)), cells)]


def _finals(content: Content) -> list[str]:
    """Return a table of each setting: results, what was kept and its bytes."""
    if content.table.empty:
        return []
    heads, parts = (*RESULT_HEADS, *MEMORY_HEADS), []
    for setting, rows in content.table.groupby("setting", sort=False):
        cells = [tuple(map(_text, row)) for row in short_rows(rows, heads)]
        parts += [f"**{_text(str(setting))}**", _table(heads, cells)]
    return [*parts, *map(_text, NOTES)]


def _incomplete(content: Content) -> list[str]:
    rows = content.incomplete
    cells = [tuple(_text(str(cell)) for cell in row) for row in rows.to_numpy().tolist()]
    return [_table(tuple(rows.columns), cells)] if cells else []


def _deviations(content: Content) -> list[str]:
    """Return what code found as a list and what people wrote as it stands, but for HTML."""
    parts = []
    for heading, facts, text in content.deviations:
        parts += [f"**{_text(heading)}**"] * bool(heading)
        parts += ["\n".join(f"- {_text(fact)}" for fact in facts)] * bool(facts)
        parts += [_plain(text)] * bool(text)
    return parts


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; cells are escaped already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """Return text as one line that is neither HTML nor a link nor ends a table's cell."""
    line = printable(_plain(text))
    for sign in ("\\", "|", "`", "*"):
        line = line.replace(sign, "\\" + sign)
    return line.replace("](", "]\\(").replace("][", "]\\[")


def _plain(text: str) -> str:
    """Return text without HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """Return text that may stand between backticks."""
    return printable(text).replace("`", "'")
