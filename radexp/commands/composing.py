"""Compose and check configurations before any work starts."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NoReturn, get_type_hints

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from radexp.catalogue import choices, config_folder
from radexp.commands.explaining import GROUPS, allowed_keys, explain, keys_of
from radexp.config import TrainConfig
from radexp.errors import UsageError, require
from radexp.interrupts import held

# Of Hydra's flags that say what to do, the one that may be there.
MODES = ("run", "multirun", "cfg", "info", "shell_completion")
MAX_JOBS = 10_000
MOST_WORKERS = 1024
# Where runs are written, and how they are started, is decided by the keys and flags named here.
RESERVED = {
    "hydra.run": "output",
    "hydra.sweep.": "output",
    "hydra.job.chdir": "output",
    "hydra.output_subdir": "output",
    "hydra.mode": "-m",
    "hydra.callbacks": "no callback",
    "hydra.job.env_set": "a variable that is set before radexp",
}

ConfigStore.instance().store("train_schema", TrainConfig)


def parse_words(words: Sequence[str]) -> argparse.Namespace:
    """Split the words after the command into Hydra's flags and overrides.

    Raises:
        UsageError: If a flag is unknown.
    """
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        raise UsageError(f"{' '.join(words)}: {message}; see radexp train --help")

    parser.error = refuse  # type: ignore[method-assign]
    flags = parser.parse_args(list(words))
    line = " ".join(words)
    for name in ("config_name", "config_path", "config_dir", "experimental_rerun"):
        flag = f"--{name.replace('_', '-')}"
        require(not getattr(flags, name), line, f"no {flag}", "set keys one by one instead")
    modes = [f"--{name.replace('_', '-')}" for name in MODES if getattr(flags, name)]
    require(len(modes) <= 1, line, f"one of {' and '.join(modes)}", "drop the other")
    require(bool(flags.cfg) or not flags.resolve, line, "--resolve with --cfg", "add --cfg job")
    package = flags.package or ""
    known = any(f"{key}.".startswith(f"{package}.") for key in keys_of(TrainConfig))
    require(
        package in ("", "_global_", "_group_") or known or package.startswith("hydra"),
        f"--package={package}",
        "a part of the configuration",
        "try --package=training",
    )
    return flags


def compose_jobs(
    overrides: Sequence[str], multirun: bool, ours: Sequence[str] = ()
) -> list[TrainConfig]:
    """Compose and check the configuration of every job that these overrides stand for.

    Args:
        overrides: Hydra overrides, as the user typed them.
        multirun: Whether they are a sweep's.
        ours: Overrides that go after them and are not quoted in a message.

    Raises:
        UsageError: If any of them cannot be composed or is impossible.
    """
    _refuse_bare(overrides)
    _refuse_reserved(overrides)
    with _explaining(overrides):
        words = [*overrides, *ours]
        jobs = _expand_sweep(words) if multirun else [words]
        require(bool(jobs), " ".join(overrides), "a sweep of at least one run", "add values")
        return [_compose(job) for job in jobs]


def _compose(words: Sequence[str]) -> TrainConfig:
    """Compose one job; a configuration that is being composed does not stand being interrupted."""
    with held():
        return to_config(compose("train", overrides=list(words)))


def compose_launcher(words: Sequence[str]) -> DictConfig:
    """Compose what starts a sweep's jobs.

    Args:
        words: Hydra flags and overrides; those that are not Hydra's own are not looked at.

    Raises:
        UsageError: If it cannot be composed.
    """
    overrides = [word for word in words if _is_hydras(word)]
    _refuse_reserved(overrides)
    with _explaining(overrides):
        parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        launcher: DictConfig = _compose_hydra(overrides, parser).launcher
        return launcher


@contextmanager
def _explaining(overrides: Sequence[str]) -> Iterator[None]:
    """Let Hydra compose, and say in one line why it could not."""
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        try:
            yield
        except UsageError:
            raise
        except Exception as error:  # Hydra raises many kinds for words that it cannot compose
            _refuse_unknown_option(overrides)
            quoted = f" (in: {' '.join(overrides)})" if overrides else ""
            raise UsageError(f"{explain(error)}{quoted}") from error


def _refuse_bare(overrides: Sequence[str]) -> None:
    """Refuse words without a key, and name the key if the word is an option of a group."""
    for word in overrides:
        bare = "=" not in word and not word.startswith("~")
        near = [f"{group}={word}" for group in GROUPS if bare and word in choices(group)]
        mend = f"did you mean {' or '.join(near)}?" if near else "see radexp train --help"
        require(not bare, word or "''", "KEY=VALUE", mend)


def _refuse_unknown_option(overrides: Sequence[str]) -> None:
    """Say what a group's options are, if one of the words chooses something else."""
    for word in overrides:
        group, _, option = word.lstrip("+").partition("=")
        known = group not in GROUPS or "," in option or option in choices(group)
        require(known, word, ", ".join(choices(group)), "pick one of them")


def _refuse_reserved(overrides: Sequence[str]) -> None:
    """Refuse words that would delete keys or move runs to where no record would be looked for."""
    for word in overrides:
        require(not word.startswith("~"), word, "no deletion", "set the key to another value")
        for prefix, instead in RESERVED.items():
            reserved = word.lstrip("+").startswith(prefix)
            require(not reserved, word, f"{instead} instead", "leave this key alone")


def to_config(config: DictConfig) -> TrainConfig:
    """Turn a composed configuration into a checked, typed object.

    Raises:
        UsageError: If a value is missing, of the wrong type or out of range.
    """
    try:
        result = OmegaConf.to_object(config)
    except UsageError:
        raise
    except Exception as error:  # OmegaConf raises many kinds, too
        raise UsageError(explain(error)) from error
    if not isinstance(result, TrainConfig):
        raise UsageError(
            "a configuration without schema: allowed is configs/train.yaml; drop flags"
        )
    for key in _appended(config, TrainConfig):
        raise UsageError(f"+{key}: there is no such key; {allowed_keys(key)}")
    return result


def _appended(config: DictConfig, schema: type, prefix: str = "") -> Iterator[str]:
    """Yield the keys that ``+key=value`` appended to a schema that does not have them."""
    kinds = get_type_hints(schema)
    for name in map(str, config):
        key = f"{prefix}{name}"
        if name not in kinds:
            yield key
        elif dataclasses.is_dataclass(kinds[name]):
            yield from _appended(config[name], kinds[name], f"{key}.")


def _expand_sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of every job, as Hydra's basic sweeper makes them."""
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    hydra = _compose_hydra(overrides, parser)
    words = [f"{key}={value}" for key, value in (hydra.sweeper.params or {}).items()]
    ours = [text for text in overrides if not _is_hydras(text)]
    parsed = parser.parse_overrides([*words, *ours])
    count = math.prod({word.get_key_element(): _num_values(word) for word in parsed}.values())
    allowed = f"up to {MAX_JOBS} runs in a sweep"
    require(count <= MAX_JOBS, " ".join(overrides), allowed, "give fewer values, or sweep in parts")
    return BasicSweeper.split_arguments(parsed, None)[0]


def _compose_hydra(overrides: Sequence[str], parser: OverridesParser) -> Any:
    """Return Hydra's own configuration, which a sweep's words may not change from job to job."""
    fixed = []
    for text, parsed in zip(overrides, parser.parse_overrides(list(overrides)), strict=True):
        sweeps = parsed.is_sweep_override()
        allowed = "one value, as it starts the sweep"
        require(not (sweeps and _is_hydras(text)), text, allowed, "give one, and sweep other keys")
        fixed += [] if sweeps else [text]
    hydra = compose("train", overrides=fixed, return_hydra_config=True).hydra
    _require_workers(hydra)
    return hydra


def _is_hydras(word: str) -> bool:
    return word.lstrip("+~").startswith(("hydra.", "hydra/"))


def _require_workers(hydra: Any) -> None:
    """Refuse numbers that launchers stumble over, once there is an output folder."""
    workers, batch = hydra.launcher.get("n_jobs"), hydra.sweeper.get("max_batch_size")
    require(
        workers is None or (workers != 0 and abs(workers) <= MOST_WORKERS),
        f"hydra.launcher.n_jobs={workers}",
        f"a number from 1 to {MOST_WORKERS}, or -1 for one on each core",
        "try hydra.launcher.n_jobs=2",
    )
    require(
        batch is None or batch >= 1,
        f"hydra.sweeper.max_batch_size={batch}",
        "a whole number of at least 1, or null",
        "leave it out",
    )


def _num_values(word: Override) -> int:
    """Count a word's values, but not far beyond MAX_JOBS: a range may have any number of them."""
    if not word.is_discrete_sweep():
        return 1
    value = word.value()  # a range as such, as its shuffled values would all be listed
    values = value.range() if isinstance(value, RangeSweep) else word.sweep_iterator()
    return sum(1 for _ in islice(values, MAX_JOBS + 1))
