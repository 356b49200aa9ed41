"""The form of each kind of measured table, and reading one of them cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radexp.reporting.reading import (
    TABLE_LIMIT_BYTES,
    as_integer,
    as_number,
    damaged,
    one_line,
    read_table,
    read_text,
)

PAPER = ("paper_bytes", "closed_form_bytes", "closed_form_full_masks_bytes")
PEAK_PARTS = ("parameters", "gradients", "optimizer", "batch", "saved", "workspace", "total")


class Kind(NamedTuple):
    """What a table of one measure must look like.

    Attributes:
        columns: All columns, in order.
        texts: Columns of words; all others hold numbers.
        integers: Columns of whole numbers from 0.
        unknown: Columns of numbers whose cells may be empty or not finite.
        key: The columns that no two rows may share.
        absent: Columns at the end that may be missing altogether.
        words: All that a column of texts may say, where that is fixed.
    """

    columns: tuple[str, ...]
    texts: tuple[str, ...]
    integers: tuple[str, ...]
    unknown: tuple[str, ...]
    key: tuple[str, ...]
    absent: tuple[str, ...] = ()
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()


_MEMORY_SIZES = (
    *("parameter_bytes", "predicted_saved_bytes", "measured_saved_bytes"),
    *(f"peak_{part}_bytes" for part in PEAK_PARTS),
    "total_bytes",
)
KINDS = {
    "memory": Kind(
        columns=(
            *("cell", "model", "sizes", "input", "estimator", "keep", "batch_size"),
            *("whole_batch_size", "lean", "device", "threads", *_MEMORY_SIZES, *PAPER),
        ),
        texts=("model", "sizes", "input", "estimator", "lean", "device"),
        integers=("cell", "batch_size", "whole_batch_size", "threads", *_MEMORY_SIZES),
        unknown=PAPER,
        key=("model", "sizes", "input", "estimator", "keep", "batch_size", "lean", "device"),
        absent=PAPER,
        words=(("lean", ("True", "False")),),
    ),
    "noise": Kind(
        columns=(
            *("model", "data", "arm", "estimator", "keep", "batch_size", "bytes", "level"),
            *("layer", "repetition", "reference", "total", "sketch", "batch", "along", "pair"),
            "iteration",
        ),
        texts=("model", "data", "arm", "estimator", "layer"),
        integers=("batch_size", "bytes", "repetition", "iteration"),
        unknown=("keep", "level", "pair"),
        key=("model", "data", "arm", "layer", "repetition", "iteration"),
    ),
    "frontier": Kind(
        columns=(
            *("model", "data", "estimator", "budget", "keep", "batch_size", "micro_batch"),
            *("saved_bytes", "layer", "repetition", "sketch", "batch", "total"),
            *("seconds", "stock_seconds", "entries", "iteration"),
            *("exact_bytes", "floor_bytes", "parameter_bytes"),
        ),
        texts=("model", "data", "estimator", "layer"),
        integers=(
            *("batch_size", "saved_bytes", "repetition", "iteration", "exact_bytes"),
            *("floor_bytes", "entries", "parameter_bytes"),
        ),
        unknown=("keep", "micro_batch"),
        key=("model", "data", "estimator", "budget", "layer", "repetition", "iteration"),
    ),
    "depth": Kind(
        columns=(
            *("study", "arm", "sketch", "width", "kept", "depth", "seed", "draws", "variance"),
        ),
        texts=("study", "arm", "sketch"),
        integers=("width", "kept", "depth", "seed", "draws"),
        unknown=(),
        key=("study", "arm", "sketch", "width", "kept", "depth", "seed"),
        words=(
            ("arm", ("independent", "interleaved", "inputs", "everywhere")),
            ("sketch", ("edges", "rad", "rad_shared", "rad_project")),
        ),
    ),
    "bias": Kind(
        columns=(
            *("model", "data", "estimator", "keep", "factor", "draws", "entries", "slope"),
            *("z_slope", "z_entry"),
        ),
        texts=("model", "data", "estimator"),
        integers=("draws", "entries"),
        unknown=("keep", "slope", "z_slope", "z_entry"),
        key=("model", "data", "estimator", "keep", "factor"),
    ),
}


def read_measured(path: Path, kind: str) -> pd.DataFrame:
    """Read one table and check every cell.

    Args:
        path: Such as ``memory.csv``.
        kind: A key of ``KINDS``.

    Raises:
        UsageError: If columns are missing or a cell is not what its column holds.
    """
    form = KINDS[kind]
    head = read_text(path, TABLE_LIMIT_BYTES).partition("\n")[0].strip()
    kept = tuple(name for name in form.columns if name not in form.absent)
    texts = read_table(path, kept if head == ",".join(kept) else form.columns)
    columns = {
        name: _column(texts[name], name, form, path)
        if name in texts
        else np.full(len(texts), np.nan)
        for name in form.columns
    }
    return pd.DataFrame(columns)


def _column(cells: pd.Series[str], name: str, form: Kind, path: Path) -> Any:
    """Convert one column."""
    if name in (words := dict(form.words)):
        wrong = [cell for cell in cells if cell not in words[name]]
        if wrong:
            raise damaged(path, f"{name}={one_line(wrong[0])[:80]}", ", ".join(words[name]))
    if name == "lean":
        return np.array(cells == "True")
    if name in form.texts:
        return [one_line(cell) for cell in cells]
    if name in form.integers:
        return np.array([as_integer(cell, path, name) for cell in cells], dtype=np.int64)
    numbers = np.array([as_number(cell or None, path, name) for cell in cells], dtype=np.float64)
    if name not in form.unknown and not np.isfinite(numbers).all():
        raise damaged(path, f"{name} that is missing or not finite", "a number in every row")
    return numbers
