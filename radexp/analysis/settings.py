"""Which runs may be compared: a setting is everything but the arm, its tuning and the seed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import astuple, dataclass
from typing import Any

import pandas as pd

# The data set, the iterations and the sizes (as radexp.config.describe_sizes words them) of each
# network's published protocol (paper, sections 4 and 5).
PUBLISHED = {
    "mlp": ("mnist", 20_000, "300x300x300"),
    "cnn": ("cifar10", 100_000, "16-32-32-32, kernel 5, average"),
    "rnn": ("sequential_mnist", 200_000, "100"),
    "reactor": ("none", 800, "33x33, 40961 steps to 10, D 0.25"),
}
NO_DATA = "none"  # what a control learns from
VERSION = ("budget", "keep", "bits", "batch_size", "micro_batch", "lr", "weight_decay", "settings")


@dataclass(frozen=True)
class Setting:
    """What all runs of one comparison have in common.

    Attributes:
        study: The experiment's name.
        preset: Its scale.
        model: The network.
        sizes: Its sizes, such as ``300x300`` or ``16-32, kernel 5, average``.
        data: The data set.
        iterations: Optimizer steps.
    """

    study: str
    preset: str
    model: str
    sizes: str
    data: str
    iterations: int

    @property
    def title(self) -> str:
        """One line for people."""
        network = f"{self.model} {self.sizes}".strip()
        return f"{self.study}: {network}{self._on_data}, {self.iterations:,} iterations"

    @property
    def scale(self) -> str:
        """How far this is from the published protocol, in words."""
        data = "" if self.data == NO_DATA else f"{self.data}, "
        _, _, published = PUBLISHED.get(self.model, ("", 0, self.sizes))
        sizes = "" if self.sizes == published else f"{self.sizes or 'unknown sizes'}, "
        name = self.preset if self.preset in ("smoke", "quick") else "reduced"
        return f"at {name} scale: {data}{sizes}{self.iterations:,} iterations, not the paper's"

    @property
    def _on_data(self) -> str:
        return "" if self.data == NO_DATA else f" on {self.data}"

    @property
    def published(self) -> bool:
        """Whether this is the network's published protocol, by data, length and sizes."""
        if self.model not in PUBLISHED:
            return False
        data, iterations, sizes = PUBLISHED[self.model]
        same = (self.data, self.sizes) == (data, sizes)
        return same and self.iterations >= iterations


def by_setting(runs: pd.DataFrame) -> list[tuple[Setting, pd.DataFrame]]:
    """Split runs into settings, each with a column ``label`` added.

    A label is the arm's name, followed by what differs where one arm ran in several versions:
    ``rad keep=0.1`` and ``rad keep=0.2``.

    Args:
        runs: Run table of ``radexp.reporting.records``.

    Returns:
        Settings in sorted order, with their runs sorted by arm, label and seed.
    """
    keys = list(Setting.__dataclass_fields__)
    found: dict[Setting, list[int]] = {}
    for position, values in enumerate(runs[keys].itertuples(index=False, name=None)):
        found.setdefault(Setting(*values), []).append(position)
    return [
        (setting, _labelled(runs.iloc[found[setting]])) for setting in sorted(found, key=astuple)
    ]


def _labelled(runs: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``label`` to the runs of one setting."""
    parts = []
    for arm, group in runs.groupby("arm", sort=True):
        varying = [key for key in VERSION if group[key].replace("", pd.NA).nunique() > 1]
        labels = [_label(str(arm), row, varying) for row in group.to_dict("records")]
        parts.append(group.assign(label=labels))
    return pd.concat(parts).sort_values(["arm", "label", "seed"], ignore_index=True)


def _label(arm: str, row: dict[Hashable, Any], varying: list[str]) -> str:
    """Name one version of an arm by the values in which its versions differ."""
    known = [(key, row[key]) for key in varying if row[key] != "" and pd.notna(row[key])]
    values = [f"{key}={v:.4g}" if isinstance(v, float) else f"{key}={v}" for key, v in known]
    return " ".join([arm, *values])
