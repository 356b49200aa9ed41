"""From the words after ``radexp tune`` to its trials: a Hydra sweep over ``tune.trial``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from radexp.commands.composing import compose_jobs
from radexp.commands.train import preset_for
from radexp.config import CLASSIFICATION, TuneConfig, experiments_for, options_for
from radexp.config.tune import DRAWN
from radexp.errors import require
from radexp.experiments import Plan, make_plan
from radexp.experiments.classification import ClassificationWorkload

# The paper's held-out part, for training sets that are at least five times as large.
HELD_OUT = 5000
SHARE = 5


@dataclass(frozen=True)
class Trials:
    """Every trial that some words stand for.

    Attributes:
        words: Words for Hydra, whose jobs are the trials.
        plans: One for each trial, estimator by estimator.
        tune: Ranges and number of draws.
        experiment: Whether they are an experiment's.
    """

    words: list[str]
    plans: list[Plan]
    tune: TuneConfig
    experiment: bool

    @property
    def holdout(self) -> int:
        """Number of examples that a trial is judged on."""
        return self.plans[0].config.training.holdout


def plan_trials(words: Sequence[str]) -> Trials:
    """Check every trial that the words stand for, and write nothing.

    Args:
        words: As typed after ``radexp tune``.

    Raises:
        UsageError: If a word or a trial is impossible.
    """
    words = [word for word in words if word not in ("-m", "--multirun")]
    ours = preset_for(words)
    _refuse(words)
    ours += _defaults(words)
    arms = _plan_arms(words, ours)
    config = arms[0].config
    extra = [f"tune.trial=range(0,{config.tune.draws})"]
    extra += [f"optimizer.{name}=${{drawn:{name}}}" for name in DRAWN]
    if "training.holdout" not in _keys(words):
        extra.append(f"training.holdout={default_holdout(_num_examples(arms[0]))}")
    if "study" not in _keys(words):
        plain = config.study == "train"
        name = f"{config.model.name}-{config.data.name}" if plain else config.study
        extra.append(f"study={name}-tune")
    ours += extra
    plans = {arm.config.estimator.name: arm for arm in arms}
    trials = []
    for job in compose_jobs(words, multirun=True, ours=ours):
        # Trials of an estimator differ in nothing that its bytes depend on: it is solved once.
        arm = plans[job.estimator.name]
        trials.append(replace(arm, config=replace(job, device=arm.config.device)))
    make_plan(trials[0].config)  # refuses to hold out more than there is
    return Trials(["-m", *words, *ours], trials, config.tune, "experiment" in _keys(words))


def default_holdout(num_examples: int) -> int:
    """Return how many of a training set's examples are held out unless a number is given.

    Example:
        >>> default_holdout(60_000), default_holdout(1437)
        (5000, 287)
    """
    return max(1, min(HELD_OUT, num_examples // SHARE))


def final_words(words: Sequence[str]) -> list[str]:
    """Return the words that are left for training with what was tuned: no trial's, no arm's."""
    own = ("estimator", "study", "training.holdout", "hydra/launcher")
    return [
        word
        for word in words
        if not word.startswith(("-", "tune.", "hydra.")) and word.partition("=")[0] not in own
    ]


def _keys(words: Sequence[str]) -> set[str]:
    return {word.lstrip("+").partition("=")[0] for word in words}


def _defaults(words: Sequence[str]) -> list[str]:
    """Return what tuning sets unless the words do: trials in parallel, a thread and one seed."""
    values = {"hydra/launcher": "joblib", "threads": "1", "seed": "0"}
    return [f"{key}={value}" for key, value in values.items() if key not in _keys(words)]


def _refuse(words: Sequence[str]) -> None:
    """Refuse flags, and by hand what is drawn or numbered."""
    for word in words:
        key = word.lstrip("+").partition("=")[0]
        require(not word.startswith("-"), word, "KEY=VALUE", "see radexp tune --help")
        name = key.removeprefix("optimizer.")
        drawn = key.startswith("optimizer.") and name in DRAWN
        example = {"lr": "[1e-4,1e-2]", "weight_decay": "[1e-7,1e-3]"}.get(name)
        allowed = f"a range, tune.{name}={example}, as radexp tune draws it"
        require(not drawn, word, allowed, "drop it, or use radexp train")
        numbered = key == "tune.trial"
        require(not numbered, word, "a number of trials", "set tune.draws=20 instead")


def _plan_arms(words: Sequence[str], ours: Sequence[str]) -> list[Plan]:
    """Plan one run of each estimator, outside of any trial."""
    jobs = compose_jobs(words, multirun=True, ours=ours)
    first, line = jobs[0], " ".join(words)
    chosen = [word for word in words if word.startswith(("model=", "experiment="))]
    require(
        first.model.task == CLASSIFICATION,
        " ".join(chosen) or f"model={first.model.name}",
        f"model={', '.join(options_for('model', CLASSIFICATION))}, as tuning holds out examples",
        "tune one of them",
    )
    require(
        first.measure is None,
        line,
        "training, as a measurement has no trials",
        f"pick one of {', '.join(experiments_for(CLASSIFICATION))}",
    )
    once = len(jobs) == len({job.estimator.name for job in jobs})
    require(once, line, "a list for estimator alone, each once", "give every other key one value")
    holdout = "training.holdout" not in _keys(words) or first.training.holdout > 0
    require(holdout, "training.holdout=0", "at least 1, to judge trials on", "drop it")
    return [make_plan(job) for job in jobs]


def _num_examples(plan: Plan) -> int:
    assert isinstance(plan.workload, ClassificationWorkload)
    return plan.workload.dataset.num_examples
