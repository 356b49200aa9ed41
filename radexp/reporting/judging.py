"""From records to verdicts on all claims, with the scale of each and where its records are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radexp.analysis import bias_claim, claims, depth_claims, memory_claim, noise_claims
from radexp.analysis.claims import Verdict
from radexp.analysis.settings import by_setting
from radexp.errors import UsageError
from radexp.reporting.measurements import Measurements
from radexp.reporting.paper_claims import PAPER_CLAIMS
from radexp.reporting.records import Records

PUBLISHED = "published protocol"
RULES = {
    "C1": bias_claim.RULE,
    "C2": memory_claim.RULE,
    **dict.fromkeys(("C3", "C4", "C5", "C6", "C7", "C8"), claims.RULE),
    **dict.fromkeys(("C9", "C10"), depth_claims.RULE),
    "C11": noise_claims.RULE,
}


@dataclass(frozen=True)
class Judgement:
    """A verdict and what the table of claims says besides.

    Attributes:
        verdict: The verdict.
        scale: ``published protocol`` or in what the records fall short of it; empty where the
            paper has no protocol.
        place: Folder of the records; None if unknown.
    """

    verdict: Verdict
    scale: str
    place: Path | None


@dataclass(frozen=True)
class Judged:
    """The outcome for all claims.

    Attributes:
        judgements: Verdicts in the order of the claims.
        problems: What could not be judged, one line each, starting with the claim's id.
    """

    judgements: tuple[Judgement, ...]
    problems: tuple[str, ...]

    def of(self, claim: str) -> list[Judgement]:
        """Return the judgements of one claim."""
        return [found for found in self.judgements if found.verdict.claim == claim]

    def problems_of(self, claim: str) -> list[str]:
        """Return the problems of one claim."""
        return [problem for problem in self.problems if problem.split(" ")[0] == claim]


def judge_records(records: Records, measurements: Measurements) -> Judged:
    """Judge every claim that the records speak of.

    Args:
        records: Training runs; may be none.
        measurements: Measured tables; may be none.
    """
    found = _judge_runs(records)
    problems = list(found.problems)
    judgements = list(found.judgements)
    for table in measurements.tables:
        ids, judge = _judges()[table.kind]
        try:
            verdicts = judge(table.rows)
        except UsageError as error:
            problems += [f"{claim} in {table.study}: {error}" for claim in ids]
            continue
        judgements += [Judgement(v, _scale_in(v.title), table.place) for v in verdicts]
    order = list(PAPER_CLAIMS)
    judgements.sort(key=lambda found: (order.index(found.verdict.claim), found.scale != PUBLISHED))
    problems.sort(key=lambda problem: order.index(problem.split(" ")[0]))
    return Judged(tuple(judgements), tuple(problems))


def _judges() -> dict[str, tuple[tuple[str, ...], Callable[[pd.DataFrame], list[Verdict]]]]:
    """Return the claims that a kind of table speaks of, and what judges them."""
    return {
        "memory": (("C2",), memory_claim.judge_memory),
        "noise": (("C11",), noise_claims.judge_noise),
        "depth": (("C9", "C10"), depth_claims.judge_depth),
        "bias": (("C1",), bias_claim.judge_bias),
    }


def _judge_runs(records: Records) -> Judged:
    """Judge the training runs."""
    verdicts, problems = claims.judge_all(records.runs, records.curves)
    settings = {setting.title: setting for setting, _ in by_setting(records.runs)}
    judgements = []
    for verdict in verdicts:
        setting = settings.get(verdict.setting)
        if setting is None:
            scale, place = _scale_in(verdict.title), None
        else:
            scale = PUBLISHED if setting.published else setting.scale
            place = records.places.get(setting.study)
        judgements.append(Judgement(verdict, scale, place))
    return Judged(tuple(judgements), tuple(problems))


def _scale_in(title: str) -> str:
    """Return the scale that a verdict's title ends with; empty if it names none."""
    found = re.search(r"\((at \w+ scale:.*)\)$", title, re.DOTALL)
    return found[1] if found else ""
