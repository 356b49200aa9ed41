"""The table of claims: every claim in order, judged or not, as rows that page and text share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from radexp.analysis.verdict import Verdict, weakest
from radexp.reporting.judging import Judged, Judgement
from radexp.reporting.paper_claims import PAPER_CLAIMS

CLAIM_COLUMNS = (
    *("setting", "claim", "title", "verdict", "favoured", "other", "view", "decides"),
    *("mean", "low", "high", "n", "sentence"),
)
NOT_JUDGED = "not judged"
NO_RECORDS = "no records"
COUNTED = (
    "Each claim counts once, as far as it was judged; mixed: its networks or halves differ. The "
    "column scale says which verdicts are not at the paper's own."
)
MIXED = "mixed"
OUTCOMES = ("reproduced", MIXED, "not reproduced", "inconclusive", NOT_JUDGED)


class ClaimRow(NamedTuple):
    """One row: what was judged of a claim in one setting, or a claim that is not judged.

    Attributes:
        claim: Its id.
        anchor: Where the page has its details.
        title: What was judged, without its scale: a half of the claim or one network, say; empty
            if nothing was.
        paper: The paper's claim in short.
        where: Where the paper makes it.
        verdict: A verdict, or ``NOT_JUDGED``.
        scale: ``published protocol``, how far from it, or empty.
        setting: What was run.
        n: Number of seeds or repetitions; empty if not judged.
        numbers: The deciding statistic with its interval, or why there is none.
        place: Folder of the records.
    """

    claim: str
    anchor: str
    title: str
    paper: str
    where: str
    verdict: str
    scale: str
    setting: str
    n: str
    numbers: str
    place: Path | None


def claim_rows(judged: Judged) -> list[ClaimRow]:
    """Return the rows of all claims, at least one for each."""
    rows = []
    for claim in PAPER_CLAIMS:
        found = [_row(claim, found, number) for number, found in enumerate(judged.of(claim), 1)]
        problems = judged.problems_of(claim)
        found += [_unjudged(claim, problem.partition(" ")[2]) for problem in problems]
        rows += found or [_unjudged(claim, NO_RECORDS)]
    return rows


def _row(claim: str, found: Judgement, number: int) -> ClaimRow:
    verdict, paper = found.verdict, PAPER_CLAIMS[claim]
    return ClaimRow(
        claim=claim,
        anchor=anchor(claim, number),
        title=found.title,
        paper=paper.title,
        where=paper.where,
        verdict=verdict.verdict,
        scale=found.scale,
        setting=verdict.setting,
        n=str(verdict.n),
        numbers=_numbers(verdict),
        place=found.place,
    )


def _unjudged(claim: str, why: str) -> ClaimRow:
    paper = PAPER_CLAIMS[claim]
    return ClaimRow(
        claim, claim.lower(), "", paper.title, paper.where, NOT_JUDGED, "", "", "", why, None
    )


def _numbers(verdict: Verdict) -> str:
    """Return the deciding statistic; without any, the first part of the sentence says why."""
    if math.isnan(verdict.interval.mean):
        return verdict.sentence.partition("; ")[0]
    return f"{verdict.statistic}: {verdict.interval}"


def anchor(claim: str, number: int) -> str:
    """Return the page's id of a claim's n-th verdict."""
    return f"{claim.lower()}-{number}"


def tally(rows: Sequence[ClaimRow]) -> str:
    """Count each claim once, as far as it was judged.

    The weakest verdict on a part of a claim (one half, one network) is that on the part; a claim
    whose parts differ, or of which a part could not be judged, is mixed.

    Example:
        >>> tally([])
        '0 claims: none judged'
    """
    claims = list(dict.fromkeys(row.claim for row in rows))
    found = [_outcome([row for row in rows if row.claim == claim]) for claim in claims]
    words = [f"{found.count(outcome)} {outcome}" for outcome in OUTCOMES if outcome in found]
    return f"{len(claims)} claims: {', '.join(words) or 'none judged'}"


def _outcome(rows: Sequence[ClaimRow]) -> str:
    """Return one claim's outcome."""
    parts: dict[str, list[str]] = {}
    for row in rows:
        parts.setdefault(row.title, []).append(row.verdict)
    outcomes = {NOT_JUDGED if NOT_JUDGED in found else weakest(found) for found in parts.values()}
    return outcomes.pop() if len(outcomes) == 1 else MIXED


def claim_table(judged: Judged) -> pd.DataFrame:
    """Return claims.csv: one row for each claim, comparison and view, columns CLAIM_COLUMNS."""
    rows: list[tuple[object, ...]] = []
    for found in judged.judgements:
        verdict = found.verdict
        head = (verdict.setting, verdict.claim, verdict.title, verdict.verdict)
        own = verdict.interval
        if not verdict.comparisons:
            numbers = (own.mean, own.low, own.high, verdict.n)
            rows.append((*head, "", "", verdict.statistic, "yes", *numbers, verdict.sentence))
        for pair in verdict.comparisons:
            views = {verdict.statistic: pair.deciding, **pair.secondary}
            for name, value in views.items():
                decides = "yes" if name == verdict.statistic else "no"
                numbers = (value.mean, value.low, value.high, value.n)
                rows.append(
                    (*head, pair.favoured, pair.other, name, decides, *numbers, verdict.sentence)
                )
    return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS))
