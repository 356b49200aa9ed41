"""Compose and check configurations before any work starts."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, get_type_hints

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from radexp.catalogue import choices, config_folder
from radexp.config import TrainConfig
from radexp.errors import UsageError, require

# What Hydra and OmegaConf raise for words that cannot be composed.
COMPOSING_ERRORS = (HydraException, OmegaConfBaseException, ValueError, TypeError, AttributeError)
# Where runs are written, and how they are started, is decided by the keys and flags named here.
RESERVED = {
    "hydra.run": "output",
    "hydra.sweep.": "output",
    "hydra.job.chdir": "output",
    "hydra.output_subdir": "output",
    "hydra.mode": "-m",
}
GROUPS = ("model", "data", "estimator", "optimizer", "measure", "experiment", "preset")

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
    require(not (flags.cfg and flags.multirun), line, "--cfg for a single run", "drop --multirun")
    require(bool(flags.cfg) or not flags.resolve, line, "--resolve with --cfg", "add --cfg job")
    package = flags.package or ""
    known = any(f"{key}.".startswith(f"{package}.") for key in _keys(TrainConfig))
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
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        try:
            words = [*overrides, *ours]
            jobs = _expand_sweep(words) if multirun else [words]
            require(bool(jobs), " ".join(overrides), "a sweep of at least one run", "add values")
            return [to_config(compose("train", overrides=job)) for job in jobs]
        except COMPOSING_ERRORS as error:
            _refuse_unknown_option(overrides)
            quoted = f" (in: {' '.join(overrides)})" if overrides else ""
            raise UsageError(f"{_explain(error)}{quoted}") from error


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
    except COMPOSING_ERRORS as error:
        raise UsageError(_explain(error)) from error
    if not isinstance(result, TrainConfig):
        raise UsageError(
            "a configuration without schema: allowed is configs/train.yaml; drop flags"
        )
    for key in _appended(config, TrainConfig):
        raise UsageError(f"+{key}: there is no such key; {_allowed_keys(key)}")
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
    parser = OverridesParser.create()
    fixed = [
        text
        for text, parsed in zip(overrides, parser.parse_overrides(list(overrides)), strict=True)
        if not parsed.is_sweep_override()
    ]
    params: Any = compose("train", overrides=fixed, return_hydra_config=True).hydra.sweeper.params
    words = [f"{key}={value}" for key, value in (params or {}).items()]
    ours = [text for text in overrides if not text.lstrip("+~").startswith(("hydra.", "hydra/"))]
    jobs = BasicSweeper.split_arguments(parser.parse_overrides([*words, *ours]), None)
    return jobs[0]


def _explain(error: Exception) -> str:
    """Say in one line what Hydra or OmegaConf says in several."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    text = f"{error}\n{cause}"
    if match := re.search(r"Could not override '([^']+)'", text):
        return f"{match[1]}: there is no such key; {_allowed_keys(match[1])}"
    if match := re.search(r"Could not find '([^']+)/([^'/]*)'", text):
        options = re.search(r"Available options in [^\n]*\n((?:\t[^\n]*\n)*)", text)
        allowed = ", ".join(options[1].split()) if options else "nothing"
        return f"{match[1]}={match[2]}: allowed is {allowed}; pick one of them"
    if match := re.search(r"Key '([^']+)' (?:is )?not in ", text):
        return f"{match[1]}: there is no such key; {_allowed_keys(match[1])}"
    if match := re.search(r"Error merging override (.*)", text):
        return f"{match[1]}: {_first_line(cause)}; radexp train --cfg job shows values that fit"
    if match := re.search(r"Ambiguous value for argument '([^']*)'", text):
        return f"{match[1]}: several values; allowed is one, or a sweep of them with -m"
    if match := re.search(r"full_key: (\S+)", text):
        return f"{match[1]}: {_first_line(cause)}; set {match[1]}=VALUE"
    return f"{_first_line(error)}; see radexp train --help"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _allowed_keys(key: str) -> str:
    """Name the keys nearest to one that does not exist."""
    known = [*GROUPS, *_keys(TrainConfig)]
    near = [name for name in known if name.rpartition(".")[2] == key]
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}? radexp train --cfg job lists all"
    return "radexp train --cfg job lists those that there are"


def _keys(schema: type, prefix: str = "") -> list[str]:
    """Return the dotted keys of a schema, nested ones included."""
    keys = []
    for name, kind in get_type_hints(schema).items():
        nested = dataclasses.is_dataclass(kind)
        keys += _keys(kind, f"{prefix}{name}.") if nested else [prefix + name]
    return keys
