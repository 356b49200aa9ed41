"""C11 as code: a place for it until its rule is there."""

from __future__ import annotations

import pandas as pd

from radexp.analysis.claims import Verdict
from radexp.errors import UsageError

RULE = "C11 has no rule in this version."


def judge_noise(rows: pd.DataFrame) -> list[Verdict]:
    """Refuse to judge.

    Raises:
        UsageError: Always.
    """
    raise UsageError(f"{len(rows)} rows: {RULE}")
