"""The paper's claims about training as code: from run records to verdicts."""

from __future__ import annotations

import pandas as pd

from radexp.analysis import reactor_claim, training_claims
from radexp.analysis.claim import Claim
from radexp.analysis.settings import by_setting
from radexp.analysis.verdict import NO_INTERVAL, Verdict
from radexp.errors import UsageError

__all__ = ["CLAIMS", "NO_INTERVAL", "RULE", "Claim", "Verdict", "judge", "judge_all"]

RULE = f"{training_claims.RULE} {reactor_claim.RULE}"
CLAIMS: tuple[Claim, ...] = (*training_claims.CLAIMS, *reactor_claim.CLAIMS)


def judge_all(runs: pd.DataFrame, curves: pd.DataFrame) -> tuple[list[Verdict], list[str]]:
    """Judge every claim in every setting that it speaks of.

    Args:
        runs: Run table.
        curves: Tidy curves of these runs.

    Returns:
        The verdicts, and one line for each claim that could not be judged because the records
        are incomplete or ambiguous (a missing seed is an error, never dropped).
    """
    verdicts, problems = [], []
    for setting, members in by_setting(runs):
        for claim in CLAIMS:
            if claim.model != setting.model:
                continue
            try:
                verdicts.append(claim.judge(claim, setting, members, curves))
            except UsageError as error:
                problems.append(f"{claim.id} in {setting.title}: {error}")
    return verdicts, problems


def judge(claim_id: str, runs: pd.DataFrame, curves: pd.DataFrame) -> Verdict:
    """Judge one claim on the runs of one setting.

    Args:
        claim_id: A key such as ``C3``.
        runs: Runs of a single setting.
        curves: Tidy curves that cover them.

    Returns:
        The verdict.

    Raises:
        UsageError: If the claim is unknown or does not speak of this model, the runs are of
            several settings, or seeds are missing.
    """
    models = {claim.model: claim for claim in CLAIMS if claim.id == claim_id}
    if not models:
        known = ", ".join(dict.fromkeys(claim.id for claim in CLAIMS))
        raise UsageError(f"claim {claim_id!r}: allowed is {known}; pick one of them")
    settings = by_setting(runs)
    if len(settings) != 1:
        raise UsageError(
            f"runs of {len(settings)} settings: allowed is one; split them with by_setting"
        )
    setting, members = settings[0]
    if setting.model not in models:
        raise UsageError(
            f"claim {claim_id!r} on runs of {setting.model}: allowed is {', '.join(models)}; give "
            "runs of a model that it speaks of"
        )
    claim = models[setting.model]
    return claim.judge(claim, setting, members, curves)
