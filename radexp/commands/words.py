"""Key=value words of the commands that compose no configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from radexp.errors import UsageError

Schema = TypeVar("Schema")


def wants_help(words: Sequence[str]) -> bool:
    """Tell whether the words ask for help."""
    return any(word in ("-h", "--help") for word in words)


def read_words(words: Sequence[str], schema: type[Schema]) -> Schema:
    """Read ``key=value`` words into a dataclass; values are YAML, so ``[a,b]`` is a list.

    Args:
        words: As typed.
        schema: A dataclass of scalar fields or lists.

    Raises:
        UsageError: If a word has no ``=``, its key is unknown or its value of the wrong type.

    Example:
        >>> @dataclasses.dataclass
        ... class Keys:
        ...     seeds: int = 5
        >>> read_words(["seeds=3"], Keys)
        Keys(seeds=3)
    """
    keys = ", ".join(field.name for field in dataclasses.fields(schema))  # type: ignore[arg-type]
    for word in words:
        if "=" not in word or word.partition("=")[0] not in keys.split(", "):
            raise UsageError(f"{word}: allowed is KEY=VALUE with a key of {keys}; see --help")
    try:
        given = OmegaConf.from_dotlist(list(words))
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), given))
    except (OmegaConfBaseException, YAMLError) as error:
        first = str(error).strip().splitlines()[0]
        raise UsageError(f"{' '.join(words)}: {first}; see --help for what is allowed") from error
    assert isinstance(config, schema)
    return config


def wrapped(names: Iterable[str], indent: int) -> str:
    """Write names for a help text, on as many lines as they need, but for the first one indented.

    Args:
        names: To list.
        indent: Columns before each line.

    Example:
        >>> wrapped(["exact", "rad"], 4)
        'exact, rad'
    """
    margin = " " * indent
    return fill(", ".join(names), 98, initial_indent=margin, subsequent_indent=margin).lstrip()
