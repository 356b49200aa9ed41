"""A verdict on one claim, and what all that give one share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from radexp.analysis.comparison import Comparison
from radexp.analysis.statistics import Interval

NO_INTERVAL = Interval(math.nan, math.nan, math.nan, 0)
# From the weakest to the strongest: where several comparisons must hold, the weakest decides.
ORDER = ("not reproduced", "inconclusive", "reproduced")


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
        n: Number of seeds of that comparison; else of what was counted, as the statistic says.
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


def weakest(outcomes: Iterable[str]) -> str:
    """Return the weakest of some outcomes; of none at all, that nothing can be concluded.

    Example:
        >>> weakest(["reproduced", "inconclusive"]), weakest([])
        ('inconclusive', 'inconclusive')
    """
    found = set(outcomes)
    return next((outcome for outcome in ORDER if outcome in found), "inconclusive")
