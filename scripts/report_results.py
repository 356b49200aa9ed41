"""Make results/report and results/README.md again, from the committed evidence alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from radexp.reporting.markdown import render_markdown
from radexp.reporting.report import write_report

# What the evidence beside it says already, or nobody reads from a repository.
NOT_KEPT = ("points.csv", "report.md", "*.pdf")


def report_results(evidence: Path, target: Path, readme: Path) -> None:
    """Write a report on evidence folders, and a README that shows it.

    Args:
        evidence: The folder above them.
        target: The report's folder.
        readme: The Markdown file; its links are relative to its folder.
    """
    report = write_report(evidence, target, command="make results-report")
    readme.write_text(render_markdown(report.content, readme.parent), encoding="utf-8")
    for pattern in NOT_KEPT:
        for path in target.glob(pattern):
            path.unlink()


def main() -> None:
    """Write results/report and results/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"))
    results: Path = parser.parse_args().results
    report_results(results, results / "report", results / "README.md")


if __name__ == "__main__":
    main()
