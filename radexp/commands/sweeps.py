"""From the words after ``radexp reproduce`` to a sweep for each experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radexp.catalogue import choices
from radexp.commands.train import plan_words, preset_for
from radexp.commands.watching import read_summary
from radexp.config import Experiment, read_experiment
from radexp.errors import require
from radexp.experiments import Measurement, Plan, run_path
from radexp.experiments.folder import FINAL_STATUSES
from radexp.experiments.measurement import without_effect

CORES = 2  # of the machine that the experiments' figures speak of
ARMS = "estimator="


@dataclass(frozen=True)
class Sweep:
    """One experiment: the words of its sweep and the jobs that they stand for."""

    name: str
    words: list[str]
    jobs: Sequence[Plan | Measurement]

    @property
    def open_jobs(self) -> int:
        """How many jobs have not ended for good."""
        summaries = [read_summary(run_path(job)) for job in self.jobs]
        ended = [s for s in summaries if s is not None and s["status"] in FINAL_STATUSES]
        return len(self.jobs) - len(ended)

    @property
    def minutes(self) -> float:
        """What the open jobs take on two cores, by the experiment's own measured figure."""
        config = self.jobs[0].config
        each = float(config.scales.get(config.preset, {}).get("job_seconds", 0.0))
        return each * self.open_jobs / (CORES * 60)


def plan_sweeps(words: Sequence[str]) -> tuple[list[Sweep], list[str]]:
    """Check every job of every experiment, and write nothing.

    Of ``estimator=A,B`` each training experiment takes those that are its own arms; one without
    any is left out. A word that a measurement does not look at does not go to it.

    Args:
        words: As typed.

    Returns:
        The sweeps, and a line for each experiment's lot that a word leaves out or does not touch.

    Raises:
        UsageError: If a word is impossible, or without effect on all the experiments.
    """
    words = [word for word in words if word not in ("-m", "--multirun")]
    for word in words:
        require(not word.startswith("-"), word, "KEY=VALUE", "see radexp reproduce --help")
    asked = [read_experiment(name) for name in _names(words)]
    rest = [word for word in words if not word.startswith("experiment=")]
    notes = [note for word in rest for note in _notes(word, asked)]
    taken = {one.name: _taken(one, rest) for one in asked}
    return [_sweep(name, own) for name, own in taken.items() if own is not None], notes


def _names(words: Sequence[str]) -> list[str]:
    """Return the names of the experiments that are asked for."""
    known = choices("experiment")
    given = [word.partition("=")[2] for word in words if word.startswith("experiment=")]
    names = given[-1].split(",") if given else known
    for name in names:
        allowed, mend = ", ".join(known), "leave it out for all of them"
        require(name in known, f"experiment={name}", allowed, mend)
    return list(dict.fromkeys(names))


def _taken(one: Experiment, words: Sequence[str]) -> list[str] | None:
    """Return the words that an experiment takes; None if it has none of the arms they name."""
    if one.measure is not None:
        idle = without_effect(words, one.measure)
        return [word for word in words if word not in idle]
    taken = []
    for word in words:
        if word.startswith(ARMS):
            arms = [arm for arm in _arms(word) if arm in one.estimators]
            if not arms:
                return None
            taken.append(f"{ARMS}{','.join(arms)}")
        else:
            taken.append(word)
    return taken


def _arms(word: str) -> list[str]:
    return list(dict.fromkeys(word.removeprefix(ARMS).split(",")))


def _notes(word: str, asked: Sequence[Experiment]) -> list[str]:
    """Say which experiments a word does not touch, and which it leaves out.

    Raises:
        UsageError: If it touches none, or names an estimator that is no arm of any.
    """
    idle = [one.name for one in asked if one.measure and without_effect([word], one.measure)]
    allowed = f"what measurements ({', '.join(idle)}) look at; they have estimators of their own"
    require(len(idle) < len(asked), word, allowed, "drop it")
    if word.startswith(ARMS):
        known = sorted({arm for one in asked for arm in one.estimators})
        allowed = f"an arm of these experiments, {', '.join(known)}"
        for arm in _arms(word):
            require(arm in known, f"{ARMS}{arm}", allowed, "pick one of them")
    without = [one.name for one in asked if _taken(one, [word]) is None]
    notes = {
        f"{word}: no arm of {', '.join(without)}, which are left out": without,
        f"{word}: without effect on {', '.join(idle)}, which have estimators of their own": idle,
    }
    return [note for note, names in notes.items() if names]


def _sweep(name: str, words: Sequence[str]) -> Sweep:
    """Plan one experiment's jobs."""
    ours = [f"experiment={name}"]
    ours += preset_for([*words, *ours])
    if not any(word.startswith("hydra/launcher=") for word in words):
        ours.append("hydra/launcher=joblib")
    line = ["-m", *words]
    return Sweep(name, [*line, *ours], plan_words(line, ours))
