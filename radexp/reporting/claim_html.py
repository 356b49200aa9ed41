"""The claims on the page: the table of all of them, and the details of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path

from radexp.analysis.comparison import TO_TARGET
from radexp.analysis.statistics import Interval
from radexp.reporting.claim_rows import (
    COUNTED,
    NO_RECORDS,
    NOT_JUDGED,
    ClaimRow,
    anchor,
    claim_rows,
    tally,
)
from radexp.reporting.judging import RULES, Judged, Judgement
from radexp.reporting.links import link_to
from radexp.reporting.paper_claims import PAPER_CLAIMS
from radexp.reporting.table import html_table

HEADS = ("claim", "verdict", "scale", "n", "deciding statistic [95% interval]", "evidence")
LABELS = ("claim", "verdict", "scale", "n", "decides", "evidence")  # on a phone's cards
EMPTY = " class='empty'"
LONG = 3  # comparisons in one sentence; more become a list


def claims_overview(judged: Judged, shown: Mapping[str, str], home: Path) -> str:
    """Return the table of all claims, linked to their details and evidence; cards on a phone.

    Args:
        judged: The outcome.
        shown: The page's id of the figure or section that shows a setting or a claim.
        home: The page's folder, which links to records are relative to.
    """
    rows = claim_rows(judged)
    head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in HEADS)
    body = "\n".join(_overview_row(row, shown, home) for row in rows)
    return (
        f"<p>{escape(tally(rows))}. {COUNTED}</p>\n"
        f"<table class='cards'><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    )


def _overview_row(row: ClaimRow, shown: Mapping[str, str], home: Path) -> str:
    """Return one row of the table of claims."""
    title = row.title or row.paper
    claimed = row.where if title == row.paper else f"{row.where}: {row.paper}"
    where = f"<span class='note'>{escape(claimed)}</span>"
    name = f"<b>{row.claim}</b> {escape(title)}"
    linked = name if row.numbers == NO_RECORDS else f"<a href='#{escape(row.anchor)}'>{name}</a>"
    setting = f"<span class='note'>{escape(row.setting)}</span>" if row.setting else ""
    scale = "<br>".join(part for part in (escape(row.scale), setting) if part)
    cells = (
        f"{linked} {where}",
        badge(row.verdict),
        scale or "-",
        escape(row.n or "-"),
        escape(row.numbers),
        _evidence(row, shown, home) or "-",
    )
    return (
        "<tr>"
        + "".join(
            f"<td data-label='{label}'{EMPTY * (cell == '-')}><div>{cell}</div></td>"
            for label, cell in zip(LABELS, cells, strict=True)
        )
        + "</tr>"
    )


def _evidence(row: ClaimRow, shown: Mapping[str, str], home: Path) -> str:
    """Return links to what the page shows of a verdict's records, and to their folder."""
    if row.place is None:
        return ""
    spot = shown.get(row.setting) or shown.get(row.claim)
    on_page = [f"<a href='#{spot}'>shown here</a>"] if spot else []
    path = link_to(row.place, home)
    return ", ".join([*on_page, f"<a href='{path}'>{escape(row.place.name)}</a>"])


def badge(verdict: str) -> str:
    """Return a verdict as a coloured word."""
    kind = {"reproduced": "good", "not reproduced": "bad"}.get(verdict, "open")
    return f"<span class='verdict {kind}'>{escape(verdict)}</span>"


def claim_details(judged: Judged) -> str:
    """Return an article for each claim that has verdicts or problems."""
    return "\n".join(
        _article(claim, judged)
        for claim in PAPER_CLAIMS
        if judged.of(claim) or judged.problems_of(claim)
    )


def _article(claim: str, judged: Judged) -> str:
    """Return one claim with its rule and all its verdicts."""
    paper = PAPER_CLAIMS[claim]
    parts = [
        f"<article id='{claim.lower()}'>\n"
        f"<h3>{claim}: {escape(paper.title)} <span class='note'>{escape(paper.where)}</span></h3>",
        f"<details><summary>The rule</summary><p class='note'>{escape(RULES[claim])}</p></details>",
    ]
    parts += [_verdict(found, number) for number, found in enumerate(judged.of(claim), 1)]
    parts += [f"<p>{badge(NOT_JUDGED)} {escape(text)}</p>" for text in judged.problems_of(claim)]
    return "\n".join([*parts, "</article>"])


def _in_words(view: str, value: Interval) -> str:
    """Return a difference, or who of the two never got to the target."""
    if view != TO_TARGET or math.isfinite(value.mean):
        return str(value)
    if math.isnan(value.mean):
        return "undefined: neither got there with some seed"
    return f"{'the first' if value.mean > 0 else 'the second'} never got there with some seed"


def _verdict(found: Judgement, number: int) -> str:
    """Return one verdict, its sentence, and the table of all comparisons with their views."""
    verdict, rows = found.verdict, []
    for comparison in verdict.comparisons:
        pair = f"{comparison.favoured} - {comparison.other}"
        views = {verdict.statistic + " (decides)": comparison.deciding, **comparison.secondary}
        rows += [
            (pair, name, _in_words(name, value), str(value.n)) for name, value in views.items()
        ]
    heads = ("difference", "view", "mean [95% interval]", "n")
    scale = f" ({found.scale})" if found.scale else ""
    numbers = f"<div class='wrap'>{html_table(heads, rows)}</div>" if rows else ""
    return (
        f"<div class='verdict-of' id='{anchor(verdict.claim, number)}'>\n"
        f"<h4>{badge(verdict.verdict)} {escape(verdict.setting)}</h4>\n"
        f"<p>{escape(verdict.claim)}: {escape(found.title)}{escape(scale)}.</p>\n"
        f"{_sentence(verdict.sentence)}\n{numbers}</div>"
    )


def _sentence(sentence: str) -> str:
    """Return a sentence, as a list where it strings many comparisons together."""
    parts = sentence.split("; ")
    if len(parts) <= LONG:
        return f"<p>{escape(sentence)}</p>"
    items = "".join(f"<li>{escape(part)}</li>" for part in parts)
    return f"<details><summary>{len(parts)} parts</summary><ul>{items}</ul></details>"
