"""The examples in docstrings are true, wherever there are any."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import radexp

ROOT = Path(radexp.__file__).parent
FILES = [path for path in sorted(ROOT.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
MODULES = [
    ".".join(("radexp", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in FILES
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_the_core_has_examples():
    assert len(MODULES) > 90
    assert {"radexp.sketches.sampling", "radexp.ops.relu", "radexp.training.noise"} < set(MODULES)
