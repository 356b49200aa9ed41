"""The variance of path sampling is the derived one, at every depth."""

import numpy as np
import pytest
import torch

from radexp.analysis.depth_rates import CURVES
from radexp.experiments.depth_graphs import BUILDERS, path_variance


@pytest.mark.parametrize("arm", BUILDERS)
@pytest.mark.parametrize(("depth", "kept"), [(1, 4), (3, 4), (3, 12), (6, 8)])
def test_the_variance_is_the_derived_one(excess, arm, depth, kept):
    graph = BUILDERS[arm](16, depth, 0)
    measured = [path_variance(graph, kept, 500, seed) for seed in range(100)]
    derived = CURVES[arm](np.array([float(depth)]), 16, kept)
    truth = torch.from_numpy(derived)
    draws = torch.tensor(measured, dtype=torch.float64).unsqueeze(1)
    assert excess(draws, truth) < 1
    assert excess(1.1 * draws, truth) > 1
