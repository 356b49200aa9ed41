"""summary.json of a run or a measurement: how it ended, believed only while its seal holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from radexp.errors import UsageError
from radexp.reporting.reading import damaged, one_line, read_json
from radexp.sealing import KEEP, UNSEALED, find_damage

STATUSES = ("completed", "diverged", "out_of_memory", "interrupted", "failed")


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return what a job's summary.json holds, or None if there is none.

    Args:
        folder: The job's. Without summary.json it waits, is going on or was killed.

    Raises:
        UsageError: If it, or a file that it tells of, is not as it was written.
    """
    path = folder / "summary.json"
    if not path.is_file():
        return None
    try:
        summary = read_json(path)
    except UsageError:
        if path.is_file():
            raise
        return None  # a run that goes on has dropped it meanwhile
    if not isinstance(summary, dict):
        raise damaged(path, "not an object", "the summary that radexp writes")
    damage = find_damage(summary, folder)
    if damage:
        again = "put it back as it was, or delete summary.json and run it again"
        mend = KEEP if damage == UNSEALED else again
        raise damaged(path, damage, "the record that radexp wrote", mend)
    if summary.get("status") not in STATUSES:
        given = one_line(summary.get("status"))[:80]
        raise damaged(path, f"status={given}", ", ".join(STATUSES))
    return summary
