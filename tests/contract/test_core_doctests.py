"""The examples in the docstrings of the core are true."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

FOLDERS = [
    *("radexp.sketches", "radexp.reactor", "radexp.graph"),
    *("radexp.ops", "radexp.layers", "radexp.models"),
]
ALONE = ["radexp.seeding", "radexp.memory.meter", "radexp.memory.predict"]
MODULES = [
    *(f"{f}.{module.name}" for f in FOLDERS for module in iter_modules(import_module(f).__path__)),
    *(FOLDERS + ALONE),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_examples_were_found():
    finder = doctest.DocTestFinder()
    with_examples = {
        test.name for name in MODULES for test in finder.find(import_module(name)) if test.examples
    }
    assert {"radexp.sketches.sampling.Sampling", "radexp.ops.relu.bit_relu"} < with_examples
