"""The examples in the docstrings of the core are true."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

FOLDERS = [
    *("radexp.sketches", "radexp.reactor", "radexp.graph"),
    *("radexp.ops", "radexp.layers", "radexp.models"),
]
ALONE = [
    *("radexp.seeding", "radexp.memory.meter", "radexp.memory.predict"),
    *("radexp.analysis.noise_summary", "radexp.analysis.depth_claims", "radexp.training.noise"),
    *("radexp.experiments.noise_points", "radexp.reporting.vector_figure"),
    *("radexp.reporting.graph_figure", "radexp.config.model"),
]
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
    assert {
        *(f"radexp.analysis.noise_summary.{name}" for name in ("summarize", "against_small_batch")),
        *(f"radexp.analysis.depth_claims.{name}" for name in ("trends", "judge_depth")),
        *(f"radexp.training.noise.{name}" for name in ("gradient", "exact_gradient")),
        *(f"radexp.experiments.noise_points.{name}" for name in ("run_weights", "measure_noise")),
        *("radexp.training.noise.gradient_noise", "radexp.graph.vectors.VectorGraph"),
    } < with_examples
