"""Turn run folders into committed evidence: runs.csv, curves.csv, environment.json and a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from radexp.reporting.records import load_records, write_evidence
from radexp.reporting.report import write_report


def main() -> None:
    """Write the evidence, then draw figures and verdicts from that evidence alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="a folder above run folders")
    parser.add_argument(
        "evidence", type=Path, help="the folder to write, such as results/mnist_mlp"
    )
    parser.add_argument("--command", default="", help="the command that made the runs")
    arguments = parser.parse_args()
    write_evidence(load_records(arguments.runs), arguments.evidence)
    report = write_report(
        arguments.evidence, arguments.evidence / "report", command=arguments.command
    )
    (report.page.parent / "points.csv").unlink()  # the evidence's curves.csv has the same points
    print(report.table)


if __name__ == "__main__":
    main()
