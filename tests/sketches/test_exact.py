"""The exact sketch keeps the matrix itself."""

import torch

from radexp.sketches import Exact


def test_exact_keeps_the_matrix_and_no_copy():
    x_GND = torch.randn(2, 3, 5)
    (kept,) = Exact().compress(x_GND, seed=0)
    assert kept is x_GND
    assert Exact().restore((kept,), (2, 3, 5), seed=1) is x_GND


def test_exact_has_no_settings():
    assert repr(Exact()) == "Exact()"
    assert Exact().saved_bytes((2, 3, 5), torch.bfloat16) == 60
