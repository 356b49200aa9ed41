"""The paper's claims as code: from run records to verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from radexp.analysis.comparison import DECIDING, Comparison, compare
from radexp.analysis.settings import Setting, by_setting
from radexp.analysis.slowdown import MARGIN, PART_OF_WAY, SLOWDOWN, compare_slowdown
from radexp.analysis.statistics import Interval
from radexp.errors import UsageError

RULE = (
    "The deciding statistic, fixed beforehand, is the difference of the mean log training loss "
    "over the evaluations after iteration 0, at equal iterations, paired by seed. A claim is "
    "reproduced if the 95% t interval lies wholly below 0, not reproduced if it lies wholly "
    "above 0 or a run of the favoured arm diverged, and else inconclusive. For the reactor it is "
    f"the log of the iterations to {PART_OF_WAY:.0%} of the exact gradient's way in log loss, "
    f"against the exact gradient's, minus the log of {math.exp(MARGIN):.4g}, for the largest of "
    "equation 7's arms that saves 98.5% of the memory or more, which rounds to 99%; an arm that "
    "never gets there counts as one that diverged."
)
# "At the same memory": the favoured arm's measured bytes may exceed the other's by this much, as
# a batch size and a kept count are whole numbers.
MEMORY_TOLERANCE = 0.01
# "Up to 99% of memory saved": what rounds to 99%.
MEMORY_SAVED = 0.985
UNBIASED_RAD = ("rad", "rad_shared", "rad_project")
PUBLISHED_ARMS = ("small_batch", "rad_shared", "rad", "rad_project")
NO_INTERVAL = Interval(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class Verdict:
    """What the records say about one claim in one setting.

    Attributes:
        claim: The claim's id.
        title: The claim in words, with its scale where that is not the published one.
        setting: What was run.
        verdict: ``reproduced``, ``not reproduced`` or ``inconclusive``.
        statistic: Name of the deciding statistic.
        interval: Its interval, of the least favourable comparison where there are several.
        n: Number of seeds of that comparison.
        sentence: The outcome with its numbers.
        comparisons: Everything compared, with the secondary views.
    """

    claim: str
    title: str
    setting: str
    verdict: str
    statistic: str
    interval: Interval
    n: int
    sentence: str
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A claim about one model: its favoured arm and the arms that it is compared with.

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
        UsageError: If the claim is unknown, the runs are of several settings, or seeds are
            missing.
    """
    claims = {claim.id: claim for claim in CLAIMS}
    if claim_id not in claims:
        raise UsageError(f"claim {claim_id!r}: allowed is {', '.join(claims)}; pick one of them")
    settings = by_setting(runs)
    if len(settings) != 1:
        raise UsageError(
            f"runs of {len(settings)} settings: allowed is one; split them with by_setting"
        )
    setting, members = settings[0]
    return claims[claim_id].judge(claims[claim_id], setting, members, curves)


def _rad_beats_small_batch(
    claim: Claim, setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame
) -> Verdict:
    """C3: RAD with a fresh sample for each example against a small batch."""
    return _at_equal_budget(claim, setting, runs, curves, "rad", "small_batch")


def _fresh_beats_shared_samples(
    claim: Claim, setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame
) -> Verdict:
    """C6, first half: a sample for each example against one for the whole batch."""
    return _at_equal_budget(claim, setting, runs, curves, "rad", "rad_shared")


def _exact_is_best(
    claim: Claim, setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame
) -> Verdict:
    """C7: the exact gradient against every other arm, published or not."""
    others = sorted({*PUBLISHED_ARMS, *runs["arm"]} - {"exact"})
    missing = _missing(runs, ["exact", *others])
    if missing:
        return _verdict(claim, setting, "inconclusive", missing, [])
    comparisons = [compare(runs, curves, "exact", other) for other in others]
    outcomes = {comparison.verdict for comparison in comparisons}
    outcome = next(v for v in ("not reproduced", "inconclusive", "reproduced") if v in outcomes)
    return _verdict(claim, setting, outcome, "", comparisons)


def _saves_memory_without_slowdown(
    claim: Claim, setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame
) -> Verdict:
    """C8: of equation 7's arms that save 99% of the exact gradient's memory, the largest."""
    sizes = runs.groupby("label")["measured_saved_bytes"].max()
    arms = runs.groupby("label")[["arm", "keep"]].first()
    whole = arms[(arms["arm"] == "exact") | (arms["keep"] == 1)].index
    if not len(whole):
        return _verdict(claim, setting, "inconclusive", "no runs of the exact gradient", [])
    small = sizes[sizes <= (1 - MEMORY_SAVED) * sizes[whole[0]]].sort_values(ascending=False)
    judged = [label for label in small.index if arms["arm"][label] == "rad"]
    if not judged:
        return _verdict(claim, setting, "inconclusive", "no rad arm saves as much", [])
    judged += [label for label in small.index if arms["arm"][label] in UNBIASED_RAD[1:]]
    comparison, *others = [compare_slowdown(runs, curves, label, whole[0]) for label in judged]
    slower = comparison.secondary["log slowdown"].mean
    remark = (
        f"it saves {1 - sizes[judged[0]] / sizes[whole[0]]:.1%} of {sizes[whole[0]] / 1e6:.4g} MB "
        f"and takes {math.exp(slower):.3g} times the iterations{_against_checkpoints(runs)}"
    )
    found = _verdict(claim, setting, comparison.verdict, remark, [comparison], SLOWDOWN)
    return replace(found, comparisons=(comparison, *others))


def _against_checkpoints(runs: pd.DataFrame) -> str:
    """Say what checkpointing, the exact rival, takes, and what RAD takes beside it."""
    sketched = runs[(runs["keep"] < 1) | (runs["arm"] == "checkpoint")]
    kept = sketched.groupby("label")[["measured_saved_bytes", "step_seconds"]].median()
    rival = [label for label in kept.index if label.split()[0] == "checkpoint"]
    if not rival:
        return ""
    bytes_, seconds = kept.loc[rival[0]]
    words = [
        f"{label} {size / 1e6:.3g} MB and {time / seconds:.2f} of its time"
        for label, (size, time) in kept.iterrows()
        if str(label).split()[0] in UNBIASED_RAD
    ]
    return (
        f". Checkpointing is exact at {bytes_ / 1e6:.3g} MB and {seconds:.3g} s a step, and cannot "
        f"do with less memory; beside it {', '.join(words)}"
    )


def _at_equal_budget(
    claim: Claim,
    setting: Setting,
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    favoured: str,
    other: str,
) -> Verdict:
    """Judge a pair of arms where the favoured one must not have held more memory."""
    missing = _missing(runs, [favoured, other])
    if missing:
        return _verdict(claim, setting, "inconclusive", missing, [])
    comparison = compare(runs, curves, favoured, other)
    ours, theirs = _total_bytes(runs, favoured), _total_bytes(runs, other)
    memory = f"memory {ours / 1e6:.4g} MB against {theirs / 1e6:.4g} MB"
    if not ours <= theirs * (1 + MEMORY_TOLERANCE):
        why = f"{memory}, more than {MEMORY_TOLERANCE:.0%} above"
        return _verdict(claim, setting, "inconclusive", why, [comparison])
    return _verdict(claim, setting, comparison.verdict, memory, [comparison])


def _missing(runs: pd.DataFrame, arms: list[str]) -> str:
    """Say which arms were not run at all; empty if none."""
    absent = [arm for arm in arms if arm not in set(runs["arm"])]
    return f"no runs of {', '.join(absent)}" if absent else ""


def _total_bytes(runs: pd.DataFrame, arm: str) -> float:
    """Return the largest parameters plus measured saved bytes of an arm; NaN if not recorded."""
    chosen = runs[runs["arm"] == arm]
    return float((chosen["parameter_bytes"] + chosen["measured_saved_bytes"]).max())


def _verdict(
    claim: Claim,
    setting: Setting,
    outcome: str,
    remark: str,
    comparisons: list[Comparison],
    statistic: str = DECIDING,
) -> Verdict:
    """Put a verdict together, with its numbers in one sentence."""
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


CLAIMS = (
    Claim(
        "C3",
        "At the same memory and iterations, RAD (a sample for each example) lowers the "
        "training loss faster than a small batch",
        "mlp",
        _rad_beats_small_batch,
    ),
    Claim(
        "C6",
        "First half of the claim: a sample for each example beats one for the whole batch",
        "mlp",
        _fresh_beats_shared_samples,
    ),
    Claim("C7", "The full-memory exact baseline is best of all", "mlp", _exact_is_best),
    Claim(
        "C8",
        "RAD saves up to 99% of the memory without a significant slowdown",
        "reactor",
        _saves_memory_without_slowdown,
    ),
)
