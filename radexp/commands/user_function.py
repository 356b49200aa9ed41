"""Functions that a user names on the command line: found, imported and called with care."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from radexp.errors import UsageError, require


def load_function(name: str, allowed: str) -> Callable[..., Any]:
    """Import ``MODULE:FUNCTION``, also from the current folder, or ``FILE.py:FUNCTION``.

    Args:
        name: As typed.
        allowed: What else could be typed, for messages.

    Raises:
        UsageError: If there is no such function, or importing its module fails or exits.
    """
    module, _, attribute = name.rpartition(":")
    require(bool(module and attribute), name, allowed, "try radexp graph figure1")
    with in_one_line(name, f"{allowed}; correct the name or the module"):
        function = getattr(_import(module), attribute)
    kind = f"{name}: a {type(function).__name__}"
    require(callable(function), kind, "a function", "name one of the module's functions")
    return function  # type: ignore[no-any-return]


@contextmanager
def in_one_line(given: str, allowed: str) -> Iterator[None]:
    """Turn whatever a user's code raises, also the wish to exit, into one line.

    Args:
        given: What was run, as the user would say it.
        allowed: What is allowed instead, and how to mend it.

    Raises:
        UsageError: If the code raises anything; a UsageError stays as it is.
    """
    try:
        yield
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        text = f"{kind}: {error}" if str(error) else kind
        raise UsageError(f"{given}: {text}; allowed is {allowed}") from error


def _import(name: str) -> ModuleType:
    """Import a module by its name or its file; its folder is where it finds its neighbours."""
    path = Path(name)
    is_file = path.suffix == ".py"
    folder = str((path.parent if is_file else Path()).absolute())
    sys.path.insert(0, folder)
    try:
        return _import_file(path) if is_file else import_module(name)
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _import_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
