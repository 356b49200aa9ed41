"""Say in one line what Hydra and OmegaConf say in several."""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import get_type_hints

from radexp.config import TrainConfig

GROUPS = ("model", "data", "estimator", "optimizer", "measure", "experiment", "preset")


def explain(error: Exception) -> str:
    """Return one line on what was wrong and how to mend it."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    text = f"{error}\n{cause}"
    if match := re.search(r"Could not override '([^']+)'", text):
        return f"{match[1]}: there is no such key; {allowed_keys(match[1])}"
    if match := re.search(r"Could not find '([^']+)/([^'/]*)'", text):
        options = re.search(r"Available options in [^\n]*\n((?:\t[^\n]*\n)*)", text)
        allowed = ", ".join(options[1].split()) if options else "nothing"
        return f"{match[1]}={match[2]}: allowed is {allowed}; pick one of them"
    if match := re.search(r"Key '([^']+)' (?:is )?not in ", text):
        return f"{match[1]}: there is no such key; {allowed_keys(match[1])}"
    if match := re.search(r"Error merging override (.*)", text):
        return f"{match[1]}: {_first_line(cause)}; radexp train --cfg job shows values that fit"
    if match := re.search(r"Ambiguous value for argument '([^']*)'", text):
        return f"{match[1]}: several values; allowed is one, or a sweep of them with -m"
    if match := re.search(r"LexerNoViableAltException: ([^\n]*)", text):
        key, _, value = match[1].partition("=")
        return f"{match[1]}: a character that needs quotes; write '{key}=\"{value}\"'"
    if "Unexpected type for root: NoneType" in text:
        return "a key below one that is null; choose that one first, as in measure=depth"
    if match := re.search(r"full_key: (\S+)", text):
        return f"{match[1]}: {_first_line(cause)}; set {match[1]}=VALUE"
    return f"{_first_line(error)}; see radexp train --help"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def allowed_keys(key: str) -> str:
    """Name the keys nearest to one that does not exist."""
    for number, value in (("layer_bits", 2), ("layer_keep", 0.1)):
        if key.startswith(f"estimator.{number}"):
            return f"write +estimator.{number}.NAME={value}, with the name of a layer"
    known = [*GROUPS, *keys_of(TrainConfig)]
    near = [name for name in known if name.rpartition(".")[2] == key]
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}? radexp train --cfg job lists all"
    return "radexp train --cfg job lists those that there are"


def keys_of(schema: type, prefix: str = "") -> list[str]:
    """Return the dotted keys of a schema, nested ones included."""
    keys = []
    for name, kind in get_type_hints(schema).items():
        nested = dataclasses.is_dataclass(kind)
        keys += keys_of(kind, f"{prefix}{name}.") if nested else [prefix + name]
    return keys
