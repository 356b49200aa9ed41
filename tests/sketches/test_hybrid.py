"""Sampling and rounding together: the two, one after the other, with draws of their own."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.layers import Estimator
from radexp.sketches import Hybrid, Sampling

SHAPE = (2, 40, 33)


def test_what_comes_back_is_between_the_extremes_of_what_was_sampled():
    x = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1
    sketch, sampling = Hybrid(0.3, 8), Sampling(0.3, replacement=False)
    found, columns = sketch.entries(sketch.compress(x, 5), SHAPE, 5)
    wanted, same_columns = sampling.entries(sampling.compress(x, 5), SHAPE, 5)
    assert torch.equal(columns, same_columns)
    # Entries, up to 2, are rescaled by 33 / 10; a step is a 255th of their range.
    assert 0 < (found - wanted).abs().max() < 3.3 / 255 * (1 + 1e-12)


@pytest.mark.parametrize(("keep", "bits"), [(0, 1), (1, 1), (0.5, 0), (0.5, 9)])
def test_numbers_out_of_range_are_refused(keep, bits):
    with pytest.raises(UsageError, match=r"allowed is .*use Exact\(\)"):
        Hybrid(keep, bits)


def test_its_bits_are_a_setting_beside_the_free_number():
    assert repr(Estimator.named("hybrid").sketch) == "Hybrid(keep=0.1, bits=1)"
    assert repr(Estimator.named("hybrid", keep=0.3, bits=4).sketch) == "Hybrid(keep=0.3, bits=4)"
