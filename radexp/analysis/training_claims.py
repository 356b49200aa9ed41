"""C3 to C7 as code: one arm against another on the training loss, paired by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from radexp.analysis.claim import Claim, missing_arms, verdict_on
from radexp.analysis.comparison import Comparison, compare
from radexp.analysis.settings import Setting
from radexp.analysis.verdict import Verdict, weakest

# "At the same memory": the favoured arm's measured bytes may exceed the other's by this much, as
# a batch size and a kept count are whole numbers.
MEMORY_TOLERANCE = 0.01
# "Matches" and "does not matter": a mean log loss apart by no more than this, that is, losses
# within 5% of each other on (geometric) average. Fixed before any run of these networks.
MARGIN = 0.05
# Arms that learn nothing are alike, whatever they are. "Matches" and "does not matter" can be
# reproduced only where the mean log loss of one of the two fell by twice the margin at least.
LEARNED = 2 * MARGIN
# The arms of Fig. 5 beside the exact one; there is no projection of the recurrent network.
PUBLISHED_ARMS = {
    "mlp": ("small_batch", "rad_shared", "rad", "rad_project"),
    "cnn": ("small_batch", "rad_shared", "rad", "rad_project"),
    "rnn": ("small_batch", "rad_shared", "rad"),
}
RULE = (
    "The deciding statistic, fixed beforehand, is the difference of the mean log training loss "
    "over the evaluations after iteration 0, at equal iterations, paired by seed. A claim is "
    "reproduced if the 95% t interval lies wholly below 0, not reproduced if it lies wholly "
    "above 0 or a run of the favoured arm diverged, and else inconclusive; where several "
    "comparisons must hold, the weakest decides. That RAD matches the small batch (C5) takes an "
    f"interval wholly below {MARGIN}, and is not reproduced if it lies wholly above. That two arms "
    f"do not differ (C6 of the convolutional network) takes one within +-{MARGIN}, and is not "
    "reproduced if it lies wholly beyond one of these bounds. Arms at the same memory may differ "
    f"by {MEMORY_TOLERANCE:.0%} in measured bytes. Where neither arm's mean log loss fell by "
    f"{LEARNED}, nothing was learned that they could match in."
)


@dataclass(frozen=True)
class Rule:
    """What the interval of a comparison must be.

    Attributes:
        outcome: From a comparison to its verdict.
        in_words: What there is to say about it besides its numbers.
        symmetric: Whether neither arm is favoured.
    """

    outcome: Callable[[Comparison], str]
    in_words: Callable[[Comparison], str] = lambda _: ""
    symmetric: bool = False


def no_worse(comparison: Comparison) -> str:
    """Judge that the favoured arm is not worse by more than ``MARGIN``: non-inferiority."""
    if comparison.diverged or comparison.deciding.low > MARGIN:
        return "not reproduced"
    within = comparison.deciding.high < MARGIN and not _idle(comparison)
    return "reproduced" if within else "inconclusive"


def no_different(comparison: Comparison) -> str:
    """Judge that two arms are within ``MARGIN`` of each other: equivalence.

    Neither arm is favoured: where some runs of one diverged there is no interval, so nothing is
    concluded, and where all did it lies at infinity.
    """
    low, high = comparison.deciding.low, comparison.deciding.high
    if low > MARGIN or high < -MARGIN:
        return "not reproduced"
    within = low > -MARGIN and high < MARGIN and not _idle(comparison)
    return "reproduced" if within else "inconclusive"


def _idle(comparison: Comparison) -> bool:
    """Whether neither arm has learned anything to speak of."""
    return comparison.learned < LEARNED


def _margin(sign: str, comparison: Comparison) -> str:
    """Say the margin, and whether nothing was learned."""
    idle = f", but the mean log loss fell by {comparison.learned:.3g} only"
    return f"margin {sign}{MARGIN}" + (idle if _idle(comparison) else "")


def _even_better(comparison: Comparison) -> str:
    """Say the margin, and whether the favoured arm is not only no worse, but better."""
    better = comparison.verdict == "reproduced"
    return _margin("", comparison) + (
        f", and {comparison.favoured} is even better" if better else ""
    )


BETTER = Rule(lambda comparison: comparison.verdict)
NO_WORSE = Rule(no_worse, _even_better)
NO_DIFFERENT = Rule(no_different, partial(_margin, "+-"), symmetric=True)


def _exact_is_best(
    claim: Claim, setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame
) -> Verdict:
    """C7: the exact gradient against every other arm, published or not."""
    others = sorted({*PUBLISHED_ARMS[setting.model], *runs["arm"]} - {"exact"})
    if missing := missing_arms(runs, ["exact", *others]):
        return verdict_on(claim, setting, "inconclusive", missing, [])
    comparisons = [compare(runs, curves, "exact", other) for other in others]
    outcome = weakest(comparison.verdict for comparison in comparisons)
    return verdict_on(claim, setting, outcome, "", comparisons)


def _at_equal_budget(
    claim: Claim,
    setting: Setting,
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    rule: Rule,
) -> Verdict:
    """Judge pairs of arms of which the favoured one must not have held more memory."""
    if missing := missing_arms(runs, list(dict.fromkeys(arm for pair in pairs for arm in pair))):
        return verdict_on(claim, setting, "inconclusive", missing, [])
    comparisons = [compare(runs, curves, *pair) for pair in pairs]
    outcomes, remarks = [], [rule.in_words(comparison) for comparison in comparisons]
    for comparison in comparisons:
        memory, same = _memory(runs, comparison, rule.symmetric)
        outcomes.append(rule.outcome(comparison) if same else "inconclusive")
        remarks.append(f"{comparison.favoured} {memory}" if len(pairs) > 1 else memory)
    remark = "; ".join(filter(None, remarks))
    return verdict_on(claim, setting, weakest(outcomes), remark, comparisons)


def _memory(runs: pd.DataFrame, comparison: Comparison, symmetric: bool) -> tuple[str, bool]:
    """Say the memory of both arms, and whether it is the same: the favoured one has no more."""
    ours, theirs = (_total_bytes(runs, arm) for arm in (comparison.favoured, comparison.other))
    words = f"memory {ours / 1e6:.4g} MB against {theirs / 1e6:.4g} MB"
    same = ours <= theirs * (1 + MEMORY_TOLERANCE)
    if symmetric:
        same = same and theirs <= ours * (1 + MEMORY_TOLERANCE)
    if same:
        return words, True
    return f"{words}, more than {MEMORY_TOLERANCE:.0%} {'apart' if symmetric else 'above'}", False


def _total_bytes(runs: pd.DataFrame, arm: str) -> float:
    """Return the largest parameters plus measured saved bytes of an arm; NaN if not recorded."""
    chosen = runs[runs["arm"] == arm]
    return float((chosen["parameter_bytes"] + chosen["measured_saved_bytes"]).max())


RAD_AGAINST_SMALL_BATCH, RAD_AGAINST_SHARED = ("rad", "small_batch"), ("rad", "rad_shared")
CLAIMS = (
    Claim(
        "C3",
        "At the same memory and iterations, RAD (a sample for each example) lowers the "
        "training loss faster than a small batch",
        "mlp",
        partial(_at_equal_budget, pairs=[RAD_AGAINST_SMALL_BATCH], rule=BETTER),
    ),
    Claim(
        "C4",
        "At the same memory and iterations, RAD lowers the training loss faster than a small "
        "batch, with a sample for each example and with one for the whole batch",
        "cnn",
        partial(
            _at_equal_budget,
            pairs=[RAD_AGAINST_SMALL_BATCH, ("rad_shared", "small_batch")],
            rule=BETTER,
        ),
    ),
    Claim(
        "C5",
        "At the same memory and iterations, RAD with a fresh sample at every time step matches a "
        "small batch",
        "rnn",
        partial(_at_equal_budget, pairs=[RAD_AGAINST_SMALL_BATCH], rule=NO_WORSE),
    ),
    Claim(
        "C6",
        "First half of the claim: a sample for each example beats one for the whole batch",
        "mlp",
        partial(_at_equal_budget, pairs=[RAD_AGAINST_SHARED], rule=BETTER),
    ),
    Claim(
        "C6",
        "Second half of the claim: where weights are tied, a sample for each example and one for "
        "the whole batch do not differ",
        "cnn",
        partial(_at_equal_budget, pairs=[RAD_AGAINST_SHARED], rule=NO_DIFFERENT),
    ),
    *(
        Claim("C7", "The full-memory exact baseline is best of all", model, _exact_is_best)
        for model in PUBLISHED_ARMS
    ),
)
