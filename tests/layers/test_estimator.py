"""Estimators by name: their settings, defaults and refusals."""

import pytest

from radexp.config import CLASSIFICATION, options_for
from radexp.errors import UsageError
from radexp.layers import Estimator
from radexp.sketches import Exact, Projection, Sampling

SKETCHES = {
    "exact": "Exact()",
    "small_batch": "Exact()",
    "rad": "Sampling(keep=0.1, shared=False, replacement=True)",
    "rad_shared": "Sampling(keep=0.1, shared=True, replacement=True)",
    "rad_project": "Projection(keep=0.1)",
}


@pytest.mark.parametrize(("name", "sketch"), SKETCHES.items())
def test_published_estimators_by_name(name, sketch):
    estimator = Estimator.named(name)
    assert repr(estimator) == f"Estimator(sketch={sketch}, lean={name != 'exact'})"


@pytest.mark.parametrize("name", options_for("estimator", CLASSIFICATION))
def test_lean_can_be_turned_off(name):
    assert Estimator.named(name, lean=False).lean is False


def test_settings_reach_the_sketch():
    sampling = Estimator.named("rad", keep=0.25, shared=True, replacement=False).sketch
    assert isinstance(sampling, Sampling)
    assert (sampling.keep, sampling.shared, sampling.replacement) == (0.25, True, False)
    assert isinstance(Estimator.named("rad", sketch="projection").sketch, Projection)
    assert isinstance(Estimator.named("rad", keep=1).sketch, Exact)


REFUSED = [
    (
        "nope",
        {},
        r"estimator 'nope': allowed is accumulate, auto, .*rad.*; pick one of them",
    ),
    ("rad", {"kepe": 0.1}, r"estimator setting kepe: allowed is name, sketch, .*; mind the spell"),
    ("rad", {"b": 1, "a": 2}, "estimator setting a, b: allowed is name, sketch"),
    (
        "rad",
        {"sketch": "nope"},
        "estimator.sketch=nope: allowed is exact, hybrid, importance, projection, rounding, rows",
    ),
    (
        "rad",
        {"sketch": "rounding"},
        "estimator.sketch=rounding with estimator.free=keep: allowed is free=bits; leave it as",
    ),
    ("rounding", {"sketch": "sampling"}, "estimator.sketch=sampling with estimator.free=bits"),
    ("rad", {"keep": 0}, r"estimator.keep=0.0: allowed is 0 < keep <= 1; try estimator.keep=0.1"),
    ("rad", {"keep": 1.5}, "estimator.keep=1.5: allowed is 0 < keep <= 1"),
    ("rad", {"keep": float("nan")}, "estimator.keep=nan: allowed is 0 < keep <= 1"),
    (
        "rad",
        {"free": "rank"},
        "estimator.free=rank: allowed is keep, bits, batch_size, micro_batch,",
    ),
    (
        "small_batch",
        {"batch_size": 0},
        "estimator.batch_size=0: allowed is a whole number from 1 to",
    ),
    ("rad", {"batch_size": 9}, "batch_size=9 with estimator=rad: allowed is estimator.keep; drop"),
    ("rad", {"keep": "x"}, "settings {'keep': 'x'}: Value 'x' .*Float.*; see EstimatorConfig"),
    ("exact", {"keep": 0.5}, "keep=0.5 with estimator=exact: allowed is no number, it has none"),
    ("small_batch", {"keep": 0.5}, "keep=0.5 with .*: allowed is estimator.batch_size; drop"),
]


@pytest.mark.parametrize(("name", "settings", "message"), REFUSED, ids=str)
def test_unknown_names_settings_and_ranges_are_refused(name, settings, message):
    with pytest.raises(UsageError, match=message):
        Estimator.named(name, **settings)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("exact", {"sketch": "sampling"}), ("small_batch", {"sketch": "projection"})],
    ids=str,
)
def test_a_sketch_whose_number_the_estimator_lacks_is_refused(name, settings):
    with pytest.raises(UsageError, match="keep"):
        Estimator.named(name, **settings)
