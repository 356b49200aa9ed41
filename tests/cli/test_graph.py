"""``radexp graph``: what it prints and writes, for examples and own functions; refusals."""

import sys

import numpy as np
import pandas as pd
import pytest

from radexp.graph import path_sum, trace
from radexp.graph.examples import EXAMPLES, LAYERED, TENSORS

FILES = {"graph.png", "estimates.png", "paths.csv", "estimates.csv"}
QUICK = "draws=50"
MODULE = '''
import math
from radexp.graph import functions

def good(x, y):
    """Return something of two scalars."""
    return functions.exp(x) * y + 1

def uses_math(x):
    return math.exp(x)

def large(x):
    for _ in range(200):
        x = x + 1
    return x

def many(x):
    for _ in range(40):
        x = x * x / x
    return x

def quits(x):
    raise SystemExit(5)

number = 3
'''


@pytest.fixture
def own(cwd):
    """Return a module of the user's in the current folder, forgotten afterwards."""
    name = "graph_functions_of_a_test"
    (cwd / f"{name}.py").write_text(MODULE)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize("name", [*EXAMPLES, *LAYERED])
def test_every_example_is_drawn_listed_and_sampled(name, radexp, cwd):
    outcome = radexp("graph", name, QUICK)
    assert outcome.status == 0
    assert f"{name}, 1 edge of each vertex, 50 draws" in outcome.out
    folder = cwd / "outputs/graph"
    assert {path.name for path in folder.iterdir()} == FILES
    for picture in ("graph.png", "estimates.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_csv(folder / "estimates.csv")) == 50


def test_paths_add_up_to_the_gradient_and_estimates_have_it_as_their_mean(radexp, cwd):
    assert radexp("graph", "figure1", "draws=4000", "output=o").status == 0
    gradient = path_sum(trace(*EXAMPLES["figure1"]))
    listed = pd.read_csv(cwd / "o/paths.csv")
    assert len(listed) == 4
    np.testing.assert_allclose(listed.groupby("input")["product"].sum(), gradient)
    estimates = pd.read_csv(cwd / "o/estimates.csv")[["x1", "x2"]]
    # 2.149 with a deviation of 0.198: 5 standard errors after 4,000 draws.
    np.testing.assert_allclose(estimates.mean(), gradient, atol=5 * 0.198 / 4000**0.5)
    assert estimates["x2"].std() == pytest.approx(0.198, rel=0.05)
    assert "x1 > v2 exp > v5 * > v6 *" in set(listed["path"])


def test_the_seed_decides(radexp, cwd):
    for output, seed in (("a", 0), ("b", 0), ("c", 1)):
        words = ("interleaved", QUICK, f"seed={seed}", f"output={output}")
        assert radexp("graph", *words).status == 0
    contents = [
        {name: (cwd / folder / name).read_bytes() for name in FILES} for folder in ("a", "b", "c")
    ]
    assert contents[0] == contents[1]
    assert contents[0]["estimates.csv"] != contents[2]["estimates.csv"]
    assert contents[0]["estimates.png"] != contents[2]["estimates.png"]
    assert contents[0]["graph.png"] == contents[2]["graph.png"]


def test_a_function_of_the_users_own_in_the_current_folder(radexp, own):
    outcome = radexp("graph", f"{own}:good", "point=[0,2]", QUICK, "sampler=paths", "number=3")
    assert outcome.status == 0
    assert f"{own}:good, 3 paths from each input, 50 draws" in outcome.out
    assert "x > v2 exp > v3 * > v4 +" in outcome.out


def test_more_paths_than_can_be_listed_are_counted(radexp, own, cwd):
    outcome = radexp("graph", f"{own}:many", "point=[1]", QUICK)
    assert outcome.status == 0
    assert f"{3**40} more paths not listed, as there are over 100000" in outcome.out
    assert len(pd.read_csv(cwd / "outputs/graph/paths.csv")) == 0


def test_help_names_the_examples(radexp):
    outcome = radexp("graph", "--help")
    assert outcome.status == 0
    assert all(name in outcome.out for name in (*EXAMPLES, *LAYERED, *TENSORS))
    assert max(map(len, outcome.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["radexp graph: allowed is one of figure1", "try radexp graph figure1"]),
        (["figure1", "newton"], ["radexp graph figure1 newton: allowed is one of"]),
        (
            ["nope"],
            [
                "nope: allowed is figure1, rosenbrock",
                "network, MODULE:FUNCTION or FILE.py:FUNCTION; try radexp graph figure1",
            ],
        ),
        (["nope:f"], ["nope:f: ModuleNotFoundError: No module named 'nope'", "correct the name"]),
        (["{own}:nope"], ["AttributeError", "correct the name or the module"]),
        (["{own}:number"], ["number: a int: allowed is a function; name one"]),
        (["{own}:good"], ["good without a point: allowed is a list of numbers; add point="]),
        (["{own}:quits", "point=[1]"], ["quits at [1.0]: SystemExit: 5; allowed is arithmetic"]),
        (["figure1", "keep=0.3"], ["keep=0.3 with figure1, a function of scalars: allowed is poi"]),
        (
            ["{own}:good", "edges=[0]"],
            ["allowed is point, sampler, number; drop it, or add shapes"],
        ),
        (["{own}:good", "point=[1]"], ["a point of 1 values for a function of (x, y)"]),
        (["{own}:good", "point=3"], ["point=3: allowed is a list of numbers; try point=[0.5,2]"]),
        (["{own}:good", "point=[a,b]"], ["point=['a', 'b']: allowed is a list of numbers"]),
        (["{own}:good", "point=[true,1]"], ["point=[True, 1]: allowed is a list of numbers"]),
        (["{own}:uses_math", "point=[1]"], ["TypeError", "use these instead of math's"]),
        (["{own}:large", "point=[1]"], ["201 vertices and 200 edges: allowed is up to 150"]),
        (["figure1", "point=[1000,1]"], ["exp of 1000: allowed is numbers where it and its"]),
        (["interleaved", "point=[1]"], ["point=[1] with interleaved: allowed is no point; drop"]),
        (["figure1", "sampler=x"], ["sampler=x: allowed is edges, paths; try sampler=edges"]),
        (
            ["figure1", "number=1000000000000"],
            ["number=1000000000000 times draws=10000: allowed is up to 1e+08 in all"],
        ),
        (["figure1", "number=0"], ["number=0: allowed is at least 1; try number=1"]),
        (["figure1", "draws=1"], ["draws=1: allowed is at least 2; try draws=10000"]),
        (["figure1", "seed=-1"], ["seed=-1: allowed is at least 0; try seed=0"]),
        (["figure1", "sede=1"], ["sede=1: allowed is KEY=VALUE with a key of point, sampler"]),
        (["figure1", "number=a"], ["number=a", "see --help for what is allowed"]),
        (["figure1", "output="], ["output=: Incompatible value", "see --help for what is allowed"]),
        (["figure1", "output=/dev/null/o"], ["output folder /dev/null/o: it cannot be written"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, parts, radexp, own, cwd):
    outcome = radexp("graph", *(word.format(own=own) for word in words))
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    for part in parts:
        assert part in outcome.err
    assert {path.name for path in cwd.iterdir()} <= {f"{own}.py", "__pycache__"}
