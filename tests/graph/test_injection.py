"""Random matrix injection: what P is, where it goes, and that the mean is the gradient."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.graph import inject, reverse_jacobians, sample_jacobians, trace_tensors
from radexp.graph.injection import project_groups, project_rows
from radexp.sketches import Exact, Projection, Sampling

SKETCHES = {
    "shared": Sampling(0.4, shared=True),
    "own": Sampling(0.4),
    "projection": Projection(0.4),
}
each_sketch = pytest.mark.parametrize("sketch", SKETCHES.values(), ids=SKETCHES)


def normal(*shape, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


@pytest.mark.parametrize("name", ["shared", "projection"])
def test_rows_are_multiplied_by_one_symmetric_matrix_of_rank_k(name):
    sketch, D = SKETCHES[name], 10
    P = project_rows(torch.eye(D, dtype=torch.float64), sketch, seed=3)
    g = normal(4, D)
    torch.testing.assert_close(project_rows(g, sketch, seed=3), g @ P)
    torch.testing.assert_close(P, P.t())
    assert torch.linalg.matrix_rank(P) <= 4
    if name == "shared":  # (D / k) times how often each coordinate was drawn
        counts = P.diag() * 4 / D
        torch.testing.assert_close(counts, counts.round())
        assert counts.sum() == pytest.approx(4)


def test_injection_is_the_identity_forward_and_p_backward():
    x = normal(3, 10).requires_grad_()
    y = inject(x, SKETCHES["projection"], seed=5)
    assert y.equal(x)
    g = normal(3, 10, seed=1)
    y.backward(g)
    assert x.grad.equal(project_rows(g, SKETCHES["projection"], seed=5))


def test_exact_injection_changes_nothing():
    graph = trace_tensors(function, point())
    plain = reverse_jacobians(graph)
    injected = reverse_jacobians(graph, {edge: Exact() for edge in range(graph.num_edges)})
    for a, b in zip(plain, injected, strict=True):
        assert a.equal(b)


def function(x, w1, w2):
    h = torch.tanh(w1 @ x)
    return (w2 @ h + torch.sin(h)[:6]).square().sum() + h.sum()


def point():
    return [normal(8), normal(10, 8, seed=1) / 3, normal(6, 10, seed=2) / 3]


def gradient(graph, injections=None, seed=0):
    return torch.cat([part.flatten() for part in reverse_jacobians(graph, injections, seed)])


def test_one_edge_injected_leaves_paths_around_it_exact():
    graph = trace_tensors(lambda x, y: (torch.sin(x) + y).sum(), [normal(10), normal(10)])
    (edge,) = (e for e in range(graph.num_edges) if graph.sources[e] == 0)
    exact = reverse_jacobians(graph)
    sampled = reverse_jacobians(graph, {edge: SKETCHES["shared"]}, seed=1)
    assert sampled[1].equal(exact[1])
    assert torch.count_nonzero(sampled[0]) <= 4
    assert not sampled[0].equal(exact[0])


@each_sketch
def test_the_seed_and_the_edge_decide(sketch):
    graph = trace_tensors(lambda x: (torch.sin(x) + torch.cos(x)).sum(), [normal(10)])
    into = {edge: sketch for edge in range(graph.num_edges) if graph.sources[edge] == 0}
    assert len(into) == 2
    assert gradient(graph, into, 0).equal(gradient(graph, into, 0))
    assert not gradient(graph, into, 0).equal(gradient(graph, into, 1))
    first, second = (project_rows(torch.ones(1, 10), sketch, seed) for seed in (0, 1))
    assert not first.equal(second)


@each_sketch
def test_many_draws_at_once_are_as_many_single_ones(sketch):
    graph = trace_tensors(function, point())
    into = dict.fromkeys(range(graph.num_edges), sketch)
    single = gradient(graph, into, seed=4)
    (one,) = torch.cat(sample_jacobians(graph, into, 1, seed=4), dim=2)
    assert one.flatten().equal(single)
    # At one edge alone, as the product of several injections has heavy tails.
    into = {edge: sketch for edge in range(graph.num_edges) if graph.targets[edge] == 4}
    found = torch.cat(sample_jacobians(graph, into, 8000, seed=0), dim=2)[:, 0]
    # 148 entries: by chance one is 5 standard errors off once in 10,000 times; the seed is fixed.
    error = found.std(dim=0) / 8000**0.5
    assert ((found.mean(dim=0) - gradient(graph)).abs() <= 5 * error + 1e-12).all()
    others = torch.stack([gradient(graph, into, seed) for seed in range(1000)])
    # A variance of 1,000 draws, averaged over many entries, is right to a few per cent.
    assert float(others.var(dim=0).sum()) == pytest.approx(float(found.var(dim=0).sum()), rel=0.2)


@each_sketch
def test_groups_have_draws_of_their_own(sketch):
    groups = project_groups(torch.ones(50, 2, 10), sketch, seed=0)
    assert len(groups[:, 0].unique(dim=0)) > 40
    same_rows = groups[:, 0].equal(groups[:, 1])
    assert same_rows == (sketch is not SKETCHES["own"])


@pytest.mark.parametrize("edge", [-1, 2])
def test_edges_that_are_not_there_are_refused(edge):
    graph = trace_tensors(lambda x: torch.sin(x).sum(), [normal(3)])
    with pytest.raises(UsageError, match=rf"injections at \[{edge}\]: allowed is edges 0 to 1"):
        reverse_jacobians(graph, {edge: Exact()})
