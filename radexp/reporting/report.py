"""The report: everything that records say, written to one folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radexp.analysis.claims import Verdict
from radexp.analysis.settings import by_setting
from radexp.errors import UsageError
from radexp.reporting.claim_rows import claim_table
from radexp.reporting.content import Content, collect
from radexp.reporting.deviations import read_written
from radexp.reporting.finding import find
from radexp.reporting.markdown import render_markdown
from radexp.reporting.measurements import read_measurements
from radexp.reporting.page import render
from radexp.reporting.pictures import draw_pictures, save_curves
from radexp.reporting.reading import one_line
from radexp.reporting.records import Records, load_records, read_records
from radexp.reporting.table import as_text


@dataclass(frozen=True)
class Report:
    """What a report wrote and found.

    Attributes:
        page: The self-contained HTML page.
        figures: PNG and PDF of each setting's curves.
        table: The final table as text for a terminal; empty without training runs.
        verdicts: Verdicts on the claims that speak of these records.
        problems: Claims that could not be judged (a missing seed, say), one line each.
        content: All that the page shows.
    """

    page: Path
    figures: tuple[Path, ...]
    table: str
    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...]
    content: Content


def write_report(
    paths: str | Path | Iterable[str | Path],
    folder: str | Path,
    command: str = "",
    deviations: str = "",
) -> Report:
    """Write index.html and report.md, claims.csv, table.csv, points.csv, and the figures.

    Figures are headline.png, curves.png and .pdf, memory.png, depth.png and noise.png, as far as
    there are records for them. Several settings (models, data sets, lengths) or tables of one kind
    get one each, named ``curves-1`` and so on, in the order of the page.

    Args:
        paths: Folders of runs or of measured jobs, folders above them, or evidence folders.
        folder: Where to write; made if missing.
        command: The exact command or commands, for the page.
        deviations: Where the protocol differs from the published one, for the page; beside what
            code can tell and the studies' own deviations.md say.

    Returns:
        Where the files are, and the outcome.

    Raises:
        UsageError: If there is no record, a file is damaged, or ``folder`` cannot be written.
    """
    if not isinstance(paths, (str, Path)):
        paths = list(paths)
    found = find(paths)
    records, measurements = read_records(found), read_measurements(found)
    words = read_written(found)
    target = _made(folder)
    try:
        pictures, figures = draw_pictures(records, measurements, target)
        content = collect(words, records, measurements, pictures, command, deviations)
        page = _write(content, records, target)
    except OSError as error:
        raise _unwritable(target, error) from None
    return Report(
        page=page,
        figures=tuple(figures),
        table=as_text(content.table),
        verdicts=tuple(found.verdict for found in content.judged.judgements),
        problems=content.judged.problems,
        content=content,
    )


def _write(content: Content, records: Records, target: Path) -> Path:
    """Write the tables, the page and the Markdown; return the page's path."""
    for name, table in (("table.csv", content.table), ("points.csv", _curve_table(records))):
        (target / name).unlink(missing_ok=True)
        if len(content.table):
            table.to_csv(target / name, index=False)
    claim_table(content.judged).to_csv(target / "claims.csv", index=False)
    page = target / "index.html"
    for path, text in (
        (page, render(content, target)),
        (target / "report.md", render_markdown(content, target)),
    ):
        path.write_text(text, encoding="utf-8", errors="replace")
    return page


def draw_curves(
    run_paths: str | Path | Iterable[str | Path], destination: str | Path
) -> list[Path]:
    """Write only the figures, as at the end of every ``radexp train``.

    Args:
        run_paths: As for ``write_report``, with training runs among them.
        destination: Folder to write to; made if missing.

    Returns:
        The PNG and PDF files.

    Raises:
        UsageError: As ``write_report``.
    """
    records = load_records(run_paths)
    target = _made(destination)
    try:
        return save_curves(by_setting(records.runs), records.curves, target)
    except OSError as error:
        raise _unwritable(target, error) from None


def _curve_table(records: Records) -> pd.DataFrame:
    """Return the curves with what says which line they belong to."""
    keys = records.runs[["run", "study", "model", "data", "arm", "seed", "status"]]
    return keys.merge(records.curves, on="run")


def _made(folder: str | Path) -> Path:
    """Make the folder to write to."""
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def _unwritable(target: Path, error: OSError) -> UsageError:
    reason = error.strerror or error
    return UsageError(
        one_line(
            f"output {target}: cannot be written ({reason}); allowed is a folder that you may "
            "write to; try output=outputs"
        )
    )
