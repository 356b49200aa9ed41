"""Turn folders of runs or of measured jobs into committed evidence.

Of runs: runs.csv, curves.csv, environment.json, and figures and verdicts from these alone. Of
measured jobs: a table of each kind and environment.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from radexp.reporting.deviations import COMMAND
from radexp.reporting.finding import find
from radexp.reporting.measured_evidence import write_measured
from radexp.reporting.measurements import read_measurements
from radexp.reporting.records import read_records, write_evidence
from radexp.reporting.report import write_report


def main() -> None:
    """Write the evidence, then draw figures and verdicts from that evidence alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="a folder above runs, or above measured jobs")
    parser.add_argument(
        "evidence", type=Path, help="the folder to write, such as results/mnist_mlp"
    )
    parser.add_argument("--command", default="", help="the command that made the records")
    arguments = parser.parse_args()
    evidence: Path = arguments.evidence
    found = find(arguments.runs)
    if found.runs and (found.jobs or found.evidence):
        parser.error(f"{arguments.runs}: runs and measurements; collect one study at a time")
    if not found.runs:
        write_measured(read_measurements(found), evidence)
    else:
        write_evidence(read_records(found), evidence)
    if arguments.command:
        (evidence / COMMAND).write_text(arguments.command + "\n", encoding="utf-8")
    if found.runs:
        report = write_report(evidence, evidence / "report", command=arguments.command)
        # The evidence's own files say the same, and the page on all evidence shows it.
        for name in ("points.csv", "report.md", "index.html"):
            (report.page.parent / name).unlink()
        print(report.table)


if __name__ == "__main__":
    main()
