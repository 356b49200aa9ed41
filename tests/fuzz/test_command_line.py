"""Whatever is typed after radexp: it is accepted, or refused in one line with nothing left."""

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.cases import cases
from fuzz.command_line import check
from fuzz.words import KEYS, PREFIX, VALUE, WORD
from radexp.commands.graph_keys import GraphConfig
from radexp.data import DATASETS
from radexp.graph.examples import EXAMPLES, LAYERED, TENSORS


def setting_of(*keys):
    return st.builds("{}={}".format, st.sampled_from(keys), VALUE)


def lines(*words):
    """Return up to three words of some strategies, and of those of radexp train."""
    return st.lists(st.one_of(*words, WORD), max_size=3)


SHAPES = ("[[3],[2,3]]", "[[100000]]", "[[99999999999]]", "[[]]", "[]", f"[{[1] * 70}]", "[[1e9]]")
GRAPH = st.one_of(
    setting_of(*(field.name for field in dataclasses.fields(GraphConfig))),
    st.sampled_from([f"shapes={shapes}" for shapes in SHAPES]),
    st.sampled_from([*EXAMPLES, *LAYERED, *TENSORS]),
    st.sampled_from(["nope", "os:nope", ":", "a:b:c", "nope.py:f", "../x.py:f", "math:prod"]),
)
# A whole sweep of most experiments takes seconds to plan.
QUICK = st.sampled_from(["memory_table", "variance_depth", "nope", "../x", ""])


@cases(500)
@given(lines())
@example(["measure.depth=3"])
@example(["-m", "seed=range(0,100000000000)"])
@example(["-sc"])
@example(["--info", "--cfg=job"])
@example(["training.batch_size=9000000000000000000"])
@example(["model=reactor", "model.final_time=1e308", "model.diffusion=1e308"])
def test_train(empty, words):
    check(["train", *words], empty)


@cases(500)
@given(PREFIX, st.sampled_from(KEYS), VALUE, st.booleans())
def test_every_key_with_every_kind_of_value(empty, prefix, key, value, sweep):
    check(["train", *(["-m"] if sweep else []), f"{prefix}{key}={value}"], empty)


@cases(60)
@given(lines())
def test_tune(empty, words):
    check(["tune", "tune.draws=2", *words], empty)


@cases(40)
@given(QUICK, lines())
def test_reproduce(empty, name, words):
    check(["reproduce", f"experiment={name}", *words], empty)


@cases(80)
@given(lines())
def test_memory(empty, words):
    check(["memory", "model=mlp", *words], empty)


@cases(120)
@given(lines(setting_of("at", "run", "repetitions", "output")))
def test_variance(empty, words):
    check(["variance", *words], empty)


@cases(400)
@given(lines(GRAPH, GRAPH, GRAPH))
def test_graph(empty, words):
    check(["graph", *words], empty)


@cases(500)
@given(lines(setting_of("runs", "output"), setting_of("runs", "output", "nope")))
def test_report(empty, words):
    check(["report", *words], empty)


@cases(300)
@given(lines(st.sampled_from(DATASETS), setting_of("data.root")))
def test_data(empty, words):
    check(["data", *words], empty)


@cases(300)
@given(st.lists(st.one_of(st.text(max_size=8), WORD), max_size=2))
def test_no_command(empty, words):
    check(words, empty)


RIGHT = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**63 - 1),
        "estimator": st.sampled_from(["exact", "rad", "rad_shared", "rad_project", "small_batch"]),
        "model.hidden": st.lists(st.integers(1, 10**7), max_size=4),
        "training.batch_size": st.integers(1, 10**7),
        "training.iterations": st.integers(1, 10**12),
        "training.holdout": st.integers(0, 1436),
        "training.bootstrap": st.booleans(),
        "optimizer": st.sampled_from(["adam", "sgd"]),
        "optimizer.lr": st.floats(1e-300, 1e300),
        "optimizer.weight_decay": st.floats(0, 1e300),
        "optimizer.clip_norm": st.floats(1e-300, 1e300),
        "budget": st.sampled_from(["null", "100%", "99.5%", "999999999GB"]),
        "threads": st.integers(1, 1024),
        "output": st.sampled_from(["outputs", "a/b", "'a b'", '"é"']),
        "study": st.from_regex("[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True),
    },
)


@cases(120)
@given(RIGHT)
def test_right_words_are_accepted(empty, words):
    assert check(["train", *(f"{key}={value}" for key, value in words.items())], empty)


def crash(words):
    raise KeyError("planted")


def test_a_crash_is_noticed(empty, monkeypatch):
    monkeypatch.setattr("radexp.commands.data.wants_help", crash)
    with pytest.raises(KeyError, match="planted"):
        check(["data", "digits"], empty)


def test_what_is_left_behind_is_noticed(empty, monkeypatch):
    monkeypatch.setattr("radexp.commands.data.wants_help", lambda words: (empty / "x").mkdir())
    with pytest.raises(AssertionError):
        check(["data", "digits"], empty)


@pytest.mark.parametrize(("name", "limit"), [("MAX_SECONDS", -1.0), ("MAX_GROWTH_KIB", -1)])
def test_time_and_memory_are_noticed(empty, monkeypatch, name, limit):
    monkeypatch.setattr(f"fuzz.command_line.{name}", limit)
    with pytest.raises(AssertionError, match=r"[0-9.]+ (s|KiB more)"):
        check(["data", "digits"], empty)
