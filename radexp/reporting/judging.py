"""From records to verdicts on all claims, with the scale of each and where its records are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radexp.analysis import bias_claim, claims, depth_claims, memory_claim, noise_claims
from radexp.analysis.claims import Verdict
from radexp.analysis.frontier_training import of_frontier
from radexp.analysis.settings import Setting, by_setting
from radexp.errors import UsageError
from radexp.reporting.measurements import Measurements
from radexp.reporting.paper_claims import PAPER_CLAIMS
from radexp.reporting.records import Records

PUBLISHED = "published protocol"
SCALES = ("smoke", "quick", "reduced")  # presets below the paper's
RULES = {
    "C1": bias_claim.RULE,
    "C2": memory_claim.RULE,
    **dict.fromkeys(("C3", "C4", "C5", "C6", "C7", "C8"), claims.RULE),
    **dict.fromkeys(("C9", "C10"), depth_claims.RULE),
    "C11": noise_claims.RULE,
}
# The claims that a kind of table speaks of, and what judges them.
Judge = tuple[tuple[str, ...], Callable[[pd.DataFrame], list[Verdict]]]
JUDGES: dict[str, Judge] = {
    "memory": (("C2",), memory_claim.judge_memory),
    "noise": (("C11",), noise_claims.judge_noise),
    "depth": (("C9", "C10"), depth_claims.judge_depth),
    "bias": (("C1",), bias_claim.judge_bias),
}
NO_CLAIMS: Judge = ((), lambda rows: [])  # of what goes beyond the paper


@dataclass(frozen=True)
class Judgement:
    """A verdict and what the table of claims says besides.

    Attributes:
        verdict: The verdict.
        scale: ``published protocol`` or in what the records fall short of it, of a measurement by
            the preset in its study's name; empty where the paper has no protocol.
        place: Folder of the records; None if unknown.
        title: What was judged, a half of the claim or one network, say; without the scale.
    """

    verdict: Verdict
    scale: str
    place: Path | None
    title: str


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
        ids, judge = JUDGES.get(table.kind, NO_CLAIMS)
        try:
            verdicts = judge(table.rows)
        except UsageError as error:
            problems += [f"{claim} in {table.study}: {error}" for claim in ids]
            continue
        judgements += [Judgement(v, _scale_of(table.study), table.place, v.title) for v in verdicts]
    for kind, study, message in measurements.doubled:
        problems += [f"{claim} in {study}: {message}" for claim in JUDGES.get(kind, NO_CLAIMS)[0]]
    order = list(PAPER_CLAIMS)
    judgements.sort(key=lambda found: (order.index(found.verdict.claim), _is_scaled(found)))
    problems.sort(key=lambda problem: order.index(problem.split(" ")[0]))
    return Judged(tuple(judgements), tuple(problems))


def _judge_runs(records: Records) -> Judged:
    """Judge the training runs."""
    _, runs = of_frontier(records.runs)
    verdicts, problems = claims.judge_all(runs, records.curves)
    settings = {setting.title: setting for setting, _ in by_setting(runs)}
    judgements = []
    for verdict in verdicts:
        setting = settings[verdict.setting]
        scale = PUBLISHED if setting.published else setting.scale
        place, title = records.places.get(setting.study), _title(verdict, setting)
        judgements.append(Judgement(verdict, scale, place, title))
    return Judged(tuple(judgements), tuple(problems))


def _title(verdict: Verdict, setting: Setting) -> str:
    """Return a verdict's title without its scale, with the network if others have the same."""
    title = verdict.title.removesuffix(f" ({setting.scale})")
    known = [(claim.id, claim.title) for claim in claims.CLAIMS]
    several = known.count((verdict.claim, title)) > 1
    return f"{title}: {setting.model}" if several else title


def _scale_of(study: str) -> str:
    """Return the scale of a study named ``EXPERIMENT-PRESET``; empty at the paper's, or unknown."""
    found = re.search(f"-({'|'.join(SCALES)})$", study)
    return f"at {found[1]} scale" if found else ""


def _is_scaled(found: Judgement) -> bool:
    return found.scale.startswith("at ")
