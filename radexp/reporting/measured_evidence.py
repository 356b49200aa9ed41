"""Measured tables of many jobs, written as one evidence folder."""

from __future__ import annotations

import json
from pathlib import Path

from radexp.errors import UsageError
from radexp.reporting.environments import distinct
from radexp.reporting.measurements import Measurements
from radexp.reporting.reading import one_line


def write_measured(measurements: Measurements, folder: str | Path) -> list[Path]:
    """Write one CSV file of each kind, and environment.json; reading them gives the same tables.

    Args:
        measurements: What to write; at most one table of each kind.
        folder: Where; made if missing.

    Returns:
        The files.

    Raises:
        UsageError: If there are several tables of a kind, two jobs gave one row, or a job did not
            complete.
    """
    if measurements.doubled:
        raise UsageError(measurements.doubled[0].message)
    kinds = [table.kind for table in measurements.tables]
    for kind in kinds:
        if kinds.count(kind) > 1:
            studies = ", ".join(table.study for table in measurements.of(kind))
            raise UsageError(
                one_line(
                    f"{kind} tables of {studies}: allowed is one of each kind in an evidence "
                    "folder; collect one study at a time"
                )
            )
    if len(measurements.incomplete):
        first = measurements.incomplete.iloc[0]
        raise UsageError(
            one_line(
                f"{first['run']}: {first['status']}; allowed is completed jobs alone; run it again"
            )
        )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for table in measurements.tables:
        files.append(target / f"{table.kind}.csv")
        table.rows.to_csv(files[-1], index=False, lineterminator="\n")
    files.append(target / "environment.json")
    text = json.dumps(distinct(measurements.environments), indent=1, sort_keys=True)
    files[-1].write_text(text + "\n", encoding="utf-8")
    return files
