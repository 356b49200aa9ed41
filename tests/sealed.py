"""Records by hand: written, and sealed as radexp seals its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from radexp.files import digest
from radexp.sealing import FILES, SEAL, seal
from radexp.training.checkpoint import MAGIC


def write_summary(folder: Path, values: dict[str, Any]) -> None:
    """Write summary.json, which speaks for all tables and documents that are in the folder."""
    paths = [path for path in folder.iterdir() if path.suffix in (".yaml", ".csv", ".json")]
    files = {path.name: digest(path.read_bytes()) for path in paths if path.name != "summary.json"}
    (folder / "summary.json").write_text(json.dumps(seal(values, files)))


def edit_summary(folder: Path, **changes: Any) -> None:
    """Change entries of summary.json, and seal it and its files as they are now."""
    values = json.loads((folder / "summary.json").read_text())
    kept = {key: value for key, value in values.items() if key not in (FILES, SEAL)}
    write_summary(folder, {**kept, **changes})


def seal_checkpoint(payload: bytes) -> bytes:
    """Return the contents of a checkpoint's file that holds anything whole."""
    return MAGIC + digest(payload).encode() + b"\n" + payload
