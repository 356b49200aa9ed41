"""A claim about the runs of one model, and how its verdict is put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from radexp.analysis.comparison import DECIDING, Comparison
from radexp.analysis.settings import Setting
from radexp.analysis.verdict import NO_INTERVAL, Verdict


@dataclass(frozen=True)
class Claim:
    """A claim about one model; where it speaks of several, there is one for each.

    Attributes:
        id: As in the paper's list of claims.
        title: The claim in words.
        model: Runs of which model it speaks of.
        judge: From the claim, a setting, its runs and the curves to a verdict.
    """

    id: str
    title: str
    model: str
    judge: Callable[[Claim, Setting, pd.DataFrame, pd.DataFrame], Verdict]


def missing_arms(runs: pd.DataFrame, arms: Sequence[str]) -> str:
    """Say which arms were not run at all; empty if none.

    Example:
        >>> missing_arms(pd.DataFrame({"arm": ["rad"]}), ["exact", "rad"])
        'no runs of exact'
    """
    absent = [arm for arm in arms if arm not in set(runs["arm"])]
    return f"no runs of {', '.join(absent)}" if absent else ""


def verdict_on(
    claim: Claim,
    setting: Setting,
    outcome: str,
    remark: str,
    comparisons: Sequence[Comparison],
    statistic: str = DECIDING,
) -> Verdict:
    """Put a verdict together, with its numbers in one sentence.

    Args:
        claim: What was judged.
        setting: Where.
        outcome: The verdict.
        remark: What is to be said besides the numbers.
        comparisons: Everything compared.
        statistic: Name of the deciding statistic.

    Returns:
        The verdict; its interval is that of the comparison which reaches furthest above 0.
    """
    worst = max(comparisons, key=_unfavourable, default=None)
    interval = worst.deciding if worst else NO_INTERVAL
    parts = [f"{c} (n={c.deciding.n}{', diverged' if c.diverged else ''})" for c in comparisons]
    numbers = f"{statistic}, " + "; ".join(parts) if parts else ""
    return Verdict(
        claim=claim.id,
        title=claim.title if setting.published else f"{claim.title} ({setting.scale})",
        setting=setting.title,
        verdict=outcome,
        statistic=statistic,
        interval=interval,
        n=interval.n,
        sentence="; ".join(part for part in (numbers, remark) if part) + ".",
        comparisons=tuple(comparisons),
    )


def _unfavourable(comparison: Comparison) -> float:
    """Order comparisons by how far their interval reaches above 0; none at all is worst."""
    return comparison.deciding.high if comparison.deciding.defined else math.inf
