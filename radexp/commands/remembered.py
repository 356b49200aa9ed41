"""What a report printed, kept beside its page for as long as nothing that it shows has changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import radexp
from radexp.experiments.writing import write_files

STAMP = "printed.json"
RECORDS = (".json", ".yaml", ".csv", ".md", ".txt")  # not pictures, checkpoints, logs


def recall(page: Path, studies: Iterable[Path], command: str) -> str | None:
    """Return what was printed with a report; None if it would be another one now.

    Args:
        page: The report's page.
        studies: Folders of the studies that it shows.
        command: That made it.
    """
    try:
        kept = json.loads((page.parent / STAMP).read_text(encoding="utf-8"))
        same = kept["digest"] == _digest(page, studies, command)
        return str(kept["printed"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(page: Path, studies: Iterable[Path], command: str, printed: str) -> None:
    """Keep what was printed with a report.

    Args:
        page: As ``recall``.
        studies: As ``recall``.
        command: As ``recall``.
        printed: The text.

    Raises:
        UsageError: If the report's folder cannot be written.
    """
    kept = {"digest": _digest(page, studies, command), "printed": printed}
    write_files(page.parent, {STAMP: f"{json.dumps(kept, indent=1)}\n".encode()})


def _digest(page: Path, studies: Iterable[Path], command: str) -> str:
    """Return a digest of the command, this package, the page and every record that it shows."""
    code = sorted(Path(radexp.__file__).parent.rglob("*.py"))
    records = [
        path for study in studies for path in sorted(study.rglob("*")) if path.suffix in RECORDS
    ]
    digest = sha256(command.encode(errors="surrogateescape"))
    for path in (*code, page, *records):
        digest.update(f"\n{path}\n".encode(errors="surrogateescape"))
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()
