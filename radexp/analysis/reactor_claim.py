"""C8 as code: does RAD save the reactor's memory without slowing its training down?"""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from radexp.analysis.claim import Claim, verdict_on
from radexp.analysis.settings import Setting
from radexp.analysis.slowdown import MARGIN, PART_OF_WAY, SLOWDOWN, compare_slowdown
from radexp.analysis.verdict import Verdict

# "Up to 99% of memory saved": what rounds to 99%.
MEMORY_SAVED = 0.985
UNBIASED_RAD = ("rad", "rad_shared", "rad_project")
RULE = (
    f"For the reactor it is the log of the iterations to {PART_OF_WAY:.0%} of the exact gradient's "
    f"way in log loss, against the exact gradient's, minus the log of {math.exp(MARGIN):.4g}, for "
    f"the largest of equation 7's arms that saves {MEMORY_SAVED:.1%} of the memory or more, which "
    "rounds to 99%; an arm that never gets there counts as one that diverged."
)


def _saves_memory_without_slowdown(
    claim: Claim, setting: Setting, runs: pd.DataFrame, curves: pd.DataFrame
) -> Verdict:
    """C8: of equation 7's arms that save 99% of the exact gradient's memory, the largest."""
    sizes = runs.groupby("label")["measured_saved_bytes"].max()
    arms = runs.groupby("label")[["arm", "keep"]].first()
    whole = arms[(arms["arm"] == "exact") | (arms["keep"] == 1)].index
    if not len(whole):
        return verdict_on(claim, setting, "inconclusive", "no runs of the exact gradient", [])
    small = sizes[sizes <= (1 - MEMORY_SAVED) * sizes[whole[0]]].sort_values(ascending=False)
    judged = [label for label in small.index if arms["arm"][label] == "rad"]
    if not judged:
        return verdict_on(claim, setting, "inconclusive", "no rad arm saves as much", [])
    judged += [label for label in small.index if arms["arm"][label] in UNBIASED_RAD[1:]]
    comparison, *others = [compare_slowdown(runs, curves, label, whole[0]) for label in judged]
    slower = comparison.secondary["log slowdown"].mean
    remark = (
        f"it saves {1 - sizes[judged[0]] / sizes[whole[0]]:.1%} of {sizes[whole[0]] / 1e6:.4g} MB "
        f"and takes {math.exp(slower):.3g} times the iterations{_against_checkpoints(runs)}"
    )
    found = verdict_on(claim, setting, comparison.verdict, remark, [comparison], SLOWDOWN)
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


CLAIMS = (
    Claim(
        "C8",
        "RAD saves up to 99% of the memory without a significant slowdown",
        "reactor",
        _saves_memory_without_slowdown,
    ),
)
