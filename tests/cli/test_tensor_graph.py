"""``radexp graph`` of functions of tensors: what it prints and writes; refusals."""

import numpy as np
import pandas as pd
import pytest
import torch

from radexp.graph import reverse_jacobians, trace_tensors
from radexp.graph.examples import TENSORS

FILES = {"graph.png", "estimates.png", "edges.csv", "estimates.csv"}
QUICK = "draws=50"
MODULE = """
import torch
from neighbour_of_a_test import half
from torch.nn import functional as F

def good(x, w, b):
    return (F.gelu(w @ x) * half + b).sum()

def vector(x):
    return x * 2

def in_place(x):
    return F.elu(x, inplace=True).sum()

def into(x):
    return torch.exp(x, out=torch.empty(3)).sum()

def quits(x):
    raise SystemExit

def long(x):
    for _ in range(151):
        x = x + 1
    return x.sum()

def flat(x):
    return (x * 0).sum()
"""


@pytest.fixture
def own(cwd):
    """Return a file of the user's, and a module beside it, in a folder below the current one."""
    folder = cwd / "mine"
    folder.mkdir()
    (folder / "tensor_functions.py").write_text(MODULE)
    (folder / "quits_at_once.py").write_text("raise SystemExit('bye')\n")
    (folder / "neighbour_of_a_test.py").write_text("half = 0.5\n")
    return "mine/tensor_functions.py"


@pytest.mark.parametrize("sketch", ["sampling", "projection"])
def test_an_example_is_drawn_listed_and_estimated(sketch, radexp, cwd):
    words = ("network", "edges=[0]", f"sketch={sketch}", "draws=4000", "output=o")
    outcome = radexp("graph", *words)
    assert outcome.status == 0
    assert f"network, {sketch} of 0.5 behind edge 0, 4000 draws" in outcome.out
    assert {path.name for path in (cwd / "o").iterdir()} == FILES
    for picture in ("graph.png", "estimates.png"):
        assert (cwd / "o" / picture).read_bytes().startswith(b"\x89PNG")
    edges = pd.read_csv(cwd / "o/edges.csv")
    assert edges["injected"].tolist() == ["yes", *["no"] * 6]
    first = edges.loc[0, ["from", "to", "jacobian", "rows", "columns"]].tolist()
    assert first == ["x", "v3 matmul", "dense", 5, 4]
    assert edges["jacobian"].tolist().count("diagonal") == 2
    estimates = pd.read_csv(cwd / "o/estimates.csv")
    assert len(estimates) == 4000
    assert list(estimates)[:6] == ["draw", "x[0]", "x[1]", "x[2]", "x[3]", "w1[0,0]"]
    # The sum over a network's 20 + 15 weights is not injected: exact in every draw.
    assert estimates["w2[2,4]"].nunique() == 1
    x = estimates[[f"x[{i}]" for i in range(4)]]
    # The exact gradient in the words printed: its length is that of the mean of 4,000 draws.
    (row,) = (line.split() for line in outcome.out.splitlines() if line.startswith("x  "))
    off = np.linalg.norm(x.std() / 4000**0.5)
    assert float(row[3]) < 4 * off
    assert abs(float(row[-1])) < 4
    assert "no noise" in outcome.out


def test_keeping_all_is_exact(radexp, own, cwd):
    words = (f"{own}:good", "shapes=[[4],[6,4],[]]", "keep=1", "seed=3", "draws=2", "output=o")
    outcome = radexp("graph", *words)
    assert outcome.status == 0
    assert outcome.out.count("no noise") == 3
    found = pd.read_csv(cwd / "o/estimates.csv")
    assert found["b"].tolist() == [6, 6]
    assert found.iloc[0].drop("draw").equals(found.iloc[1].drop("draw"))


def test_the_seed_decides(radexp, cwd):
    for output, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert radexp("graph", "network", QUICK, f"seed={seed}", f"output={output}").status == 0
    one, same, other = (
        {name: (cwd / folder / name).read_bytes() for name in FILES} for folder in ("a", "b", "c")
    )
    assert one == same
    assert one["estimates.csv"] != other["estimates.csv"]


def test_a_gradient_of_zero_has_no_slope(radexp, own):
    outcome = radexp("graph", f"{own}:flat", "shapes=[[3]]", QUICK)
    assert outcome.status == 0
    (row,) = (line.split() for line in outcome.out.splitlines() if line.startswith("x "))
    assert row[-2:] == ["-", "-"]


def test_a_module_by_its_name_and_an_edge_without_a_list(radexp, own, cwd, monkeypatch):
    monkeypatch.syspath_prepend(str(cwd / "mine"))
    outcome = radexp("graph", "tensor_functions:vector", "shapes=[[1]]", QUICK, "edges=0")
    assert outcome.status == 0
    assert "behind all edges" in outcome.out


def test_every_example_has_shapes_that_fit():
    for function, shapes in TENSORS.values():
        graph = trace_tensors(function, [torch.ones(shape) for shape in shapes])
        assert graph.sizes[graph.output] == 1
        assert any(part.any() for part in reverse_jacobians(graph))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (
            ["network", "point=[1]"],
            ["point=[1] with network, a function of tensors: allowed is sh"],
        ),
        (["network", "number=2"], ["allowed is shapes, edges, sketch, keep; drop it"]),
        (["network", "sketch=x"], ["sketch=x: allowed is sampling, projection; try sketch=sampli"]),
        (["network", "keep=0"], ["keep=0.0: allowed is 0 < keep <= 1; try keep=0.5"]),
        (["network", "keep=nan"], ["keep=nan: allowed is 0 < keep <= 1"]),
        (["network", "edges=[7]"], ["edges=[7]: allowed is all or a list of numbers from 0 to 6"]),
        (["network", "edges=[]"], ["edges=[]: allowed is all or a list of numbers from 0 to 6"]),
        (["network", "edges=some"], ["edges=some: allowed is all or a list", "try edges=[0]"]),
        (["network", "draws=1"], ["draws=1: allowed is at least 2"]),
        (["network", "draws=1000000"], ["entries: allowed is up to 1e+07 in all; try draws=1"]),
        (["network", "shapes=[[4]]"], ["a point of 1 values for a function of (x, w1, w2)"]),
        (
            ["network", "shapes=[[3],[5,4],[3,5]]"],
            ["network with shapes=[[3],[5,4],[3,5]]: RuntimeError:", "correct the shapes or the"],
        ),
        (["{own}:vector", "shapes=3"], ["shapes=3: allowed is a list with the shape of each argu"]),
        (["{own}:vector", "shapes=[3]"], ["shapes=[3]: allowed is a list with the shape of each"]),
        (["{own}:vector", "shapes=[[0]]"], ["shapes=[[0]]: allowed is", "try shapes=[[3],[2,3]]"]),
        (["{own}:vector", "shapes=[]"], ["shapes=[]: allowed is a list with the shape of each"]),
        (["{own}:vector", "shapes=[[100001]]"], ["shapes=[[100001]]: allowed is up to 100000 ent"]),
        (["{own}:vector", "shapes=[[3]]"], ["a result of shape [3]: allowed is one number; add ."]),
        (["{own}:in_place", "shapes=[[3]]"], ["elu with inplace=True on a traced tensor: allowed"]),
        (["{own}:into", "shapes=[[3]]"], ["exp with out= on a traced tensor: allowed is operati"]),
        (["{own}:quits", "shapes=[[3]]"], ["quits with shapes=[[3]]: SystemExit; allowed is PyTo"]),
        (["{own}:long", "shapes=[[3]]"], ["153 vertices and 152 edges: allowed is up to 150 and"]),
        (["{own}:nope", "shapes=[[3]]"], ["AttributeError", "correct the name or the module"]),
        (["nope.py:f", "shapes=[[3]]"], ["nope.py:f: FileNotFoundError", "correct the name or"]),
        (
            ["mine/quits_at_once.py:f", "shapes=[[3]]"],
            ["quits_at_once.py:f: SystemExit: bye; allo"],
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, parts, radexp, own, cwd):
    outcome = radexp("graph", *(word.format(own=own) for word in words))
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    for part in parts:
        assert part in outcome.err
    assert {path.name for path in cwd.iterdir()} == {"mine"}
