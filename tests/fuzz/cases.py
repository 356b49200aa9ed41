"""How many cases a test tries: a tenth of them, always the same ones, or by `make fuzz` others."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

ASKED = os.environ.get("RADEXP_FUZZ")
FACTOR = float(ASKED or 0.1)


def cases(count: int) -> settings:
    """Return settings for a number of cases.

    A tenth of them is tried, the same ones in every run, unless ``RADEXP_FUZZ`` asks for a multiple
    of them; these depend on pytest's ``--hypothesis-seed``.
    """
    return settings(
        max_examples=max(1, round(count * FACTOR)),
        derandomize=ASKED is None,
        database=None,
        deadline=None,
        report_multiple_bugs=True,
        suppress_health_check=list(HealthCheck),
    )
