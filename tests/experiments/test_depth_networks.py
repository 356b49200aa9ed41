"""The network study: autograd's gradient, the derived variance, and where randomness goes."""

import numpy as np
import pandas as pd
import pytest
import torch

from radexp.analysis.depth_rates import CURVES
from radexp.experiments.depth_networks import SKETCHES, DeepNetwork, network_rows
from radexp.sketches import Exact, Projection, Sampling


def test_without_a_sketch_the_gradient_is_autograds():
    network = DeepNetwork(3, 12, seed=0)
    h = network.x_NH
    for weight in network.weights:
        h = torch.relu(h @ weight.t())
    truth = torch.autograd.grad((h * network.r_NH).sum(), network.weights)
    for everywhere in (False, True):
        found = network.gradient(Exact(), everywhere, seed=0)
        for a, b in zip(found, truth, strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("arm", ["inputs", "everywhere"])
@pytest.mark.parametrize("sketch", [Sampling(0.5, shared=True), Projection(0.5)], ids=repr)
def test_the_variance_is_the_derived_one(arm, sketch):
    # Mean of the logarithms over 10 networks of width 64: their deviation from the derivation, for
    # infinite width, is about 0.03 a layer; a factor sqrt(c) = 1.7 more or less would be 0.55.
    logs = []
    for seed in range(10):
        network = DeepNetwork(4, 64, seed)
        logs.append(np.log(network.relative_variance(sketch, arm == "everywhere", 60, seed)))
    derived = np.log(CURVES[arm](np.array([4.0]), 64, 32)[0])
    assert np.mean(logs) == pytest.approx(derived, abs=0.25)


def test_sketched_inputs_leave_what_flows_backward_exact():
    network = DeepNetwork(3, 12, seed=0)
    sketch = Sampling(0.25, shared=True)
    exact = network.gradient(Exact(), False, seed=0)
    first = network.gradient(sketch, False, seed=1)[0]
    # Kept columns of dW_1 = g^T x are the exact ones, rescaled: g itself is exact.
    kept = first.abs().sum(0) > 0
    ratio = first[:, kept] / exact[0][:, kept]
    spread = (ratio - ratio.nanmean(0)).nan_to_num().abs().max()
    assert 0 < kept.sum() <= 3
    assert spread < 1e-4
    everywhere = network.gradient(sketch, True, seed=1)[0]
    assert not torch.allclose(everywhere, first)


def test_he_initialization_keeps_the_size_of_states_and_gradients():
    network = DeepNetwork(12, 256, seed=0)
    sizes = [float(g.norm()) for g in network.gradient(Exact(), False, seed=0)]
    assert max(sizes) / min(sizes) < 2.5


def test_rows_cover_every_combination_and_the_seed_decides():
    settings = {
        "width": 8,
        "depths": [1, 3],
        "fractions": [0.25, 0.5],
        "seeds": [0, 1],
        "draws": 3,
    }
    rows = pd.DataFrame(network_rows(**settings))
    keys = ["arm", "sketch", "kept", "depth", "seed"]
    assert len(rows) == 2 * 3 * 2 * 2 * 2 == len(rows.drop_duplicates(keys))
    assert set(rows["sketch"]) == set(SKETCHES)
    pd.testing.assert_frame_equal(rows, pd.DataFrame(network_rows(**settings)))


def test_examples_that_agree_make_their_own_samples_less_noisy_than_a_shared_one():
    own, shared = Sampling(0.1), Sampling(0.1, shared=True)
    apart, common = (DeepNetwork(6, 64, seed=0, common_loss=on) for on in (False, True))
    for network in (apart, common):
        assert network.relative_variance(shared, False, 60, 0) == pytest.approx(63 / 7, rel=0.15)
    assert apart.relative_variance(own, False, 60, 0) == pytest.approx(63 / 7, rel=0.3)
    assert common.relative_variance(own, False, 60, 0) < 0.5 * 63 / 7
    settings = {"width": 8, "depths": [1], "fractions": [0.5], "seeds": range(1), "draws": 2}
    (study,) = {row["study"] for row in network_rows(**settings, common_loss=True)}
    assert study == "networks, common loss"
