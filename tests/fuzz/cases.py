"""How many cases a test tries: always the same ones, or by `make fuzz` ten times as many others."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = float(os.environ.get("RADEXP_FUZZ", "1"))


def cases(count: int) -> settings:
    """Return settings for a number of cases.

    They are the same ones in every run, unless ``RADEXP_FUZZ`` asks for a multiple of them; these
    depend on pytest's ``--hypothesis-seed``.
    """
    return settings(
        max_examples=max(1, round(count * FACTOR)),
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        report_multiple_bugs=True,
        suppress_health_check=list(HealthCheck),
    )
