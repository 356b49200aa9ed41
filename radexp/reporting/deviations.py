"""Where records differ from the published protocol: what code can tell, and what people wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from radexp.analysis.settings import PUBLISHED, Setting
from radexp.reporting.finding import WRITTEN, Found, is_run_evidence
from radexp.reporting.reading import one_line, plain_lines, read_text

BATCH = 150
COMMAND = "command.txt"
LIMIT_BYTES = 20_000
SKETCHES = ("rad", "rad_shared", "rad_project")


class Protocol(NamedTuple):
    """The published protocol of a network, beyond its data set, iterations and sizes.

    Attributes:
        seeds: Runs of each arm.
        small_batches: The small batch of the commands and of the text.
        keep: The kept fraction; None where the paper has several.
    """

    seeds: int
    small_batches: tuple[int, ...]
    keep: float | None


PROTOCOLS = {
    "mlp": Protocol(5, (20, 22), 0.1),
    "cnn": Protocol(5, (22, 20), 0.1),
    "rnn": Protocol(3, (21,), 0.1),
    "reactor": Protocol(1, (), None),
}


def protocol_facts(setting: Setting, runs: pd.DataFrame) -> list[str]:
    """Say in what the runs of one setting differ from the paper's protocol, by their records.

    Args:
        setting: What was run.
        runs: Its runs, with labels.

    Returns:
        One line for each difference; none for a network that the paper does not have.
    """
    if setting.model not in PROTOCOLS:
        return []
    protocol = PROTOCOLS[setting.model]
    data, iterations, sizes = PUBLISHED[setting.model]
    seeds = runs[runs["status"] == "completed"].groupby("label")["seed"].nunique()
    least = int(seeds.reindex(runs["label"].unique(), fill_value=0).min())
    pairs = [
        ("data set", setting.data, data, setting.data != data),
        ("sizes", setting.sizes, sizes, setting.sizes != sizes),
        (
            "iterations",
            f"{setting.iterations:,}",
            f"{iterations:,}",
            setting.iterations != iterations,
        ),
        (
            "completed seeds of an arm, at least",
            str(least),
            str(protocol.seeds),
            least < protocol.seeds,
        ),
        *_batches(runs, protocol),
        *_fractions(runs, protocol),
    ]
    return [
        f"{name} {given} (published: {known})" for name, given, known, differs in pairs if differs
    ]


def _batches(runs: pd.DataFrame, protocol: Protocol) -> list[tuple[str, str, str, bool]]:
    """Compare the batch sizes of the small batch and of all other arms."""
    if not protocol.small_batches:
        return []
    small = _values(runs.loc[runs["arm"] == "small_batch", "batch_size"])
    whole = _values(runs.loc[runs["arm"] != "small_batch", "batch_size"])
    published = " or ".join(map(str, protocol.small_batches))
    return [
        ("batch size", _listed(whole), str(BATCH), bool(set(whole) - {BATCH})),
        ("small batch", _listed(small), published, bool(set(small) - set(protocol.small_batches))),
    ]


def _fractions(runs: pd.DataFrame, protocol: Protocol) -> list[tuple[str, str, str, bool]]:
    """Compare the kept fractions of the sketches."""
    kept = _values(runs.loc[runs["arm"].isin(SKETCHES), "keep"])
    if protocol.keep is None:
        return []
    differs = any(abs(keep - protocol.keep) > 5e-4 for keep in kept)
    return [("kept fraction", _listed(kept), f"{protocol.keep:g}", differs)]


def _values(column: pd.Series[float]) -> list[float]:
    return sorted(set(column[np.isfinite(column)]))


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


class Written(NamedTuple):
    """What people wrote beside records, by folder: deviations.md and command.txt."""

    deviations: dict[str, str]
    commands: dict[str, str]


def read_written(found: Found) -> Written:
    """Read every deviations.md and command.txt of what was found.

    Raises:
        UsageError: If one cannot be read.
    """
    return Written(written(found, WRITTEN), written(found, COMMAND))


def written(found: Found, name: str) -> dict[str, str]:
    """Return what people wrote into the folders of studies, ``deviations.md`` say.

    Args:
        found: Where the records are.
        name: The file's name: it is optional, and stands in an evidence folder, in its study's, or
            in the folder above runs and jobs.

    Returns:
        The text of each folder that has one, by the folder's name, ``study/folder`` if it is one of
        several of a study.

    Raises:
        UsageError: If a file is not UTF-8 text of at most 20 kB.
    """
    folders = {f if is_run_evidence(f) else f.parent for f in found.runs}
    folders |= {f.parent for f in found.jobs} | set(found.evidence.values())
    names = {folder: folder.name for folder in folders}
    for folder, study in found.evidence.items():
        names[folder] = folder.relative_to(study.parent).as_posix()
    return {
        one_line(names[folder]): text
        for folder in sorted(names, key=lambda folder: (names[folder], str(folder)))
        if (folder / name).is_file()
        and (text := plain_lines(read_text(folder / name, LIMIT_BYTES)).strip())
    }
