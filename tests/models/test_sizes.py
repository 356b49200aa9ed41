"""Sizes that a model does not use are refused, whichever model it is."""

import re

import pytest

from radexp.catalogue import choices
from radexp.config import ModelConfig
from radexp.errors import UsageError
from radexp.models import build_model
from radexp.models.sizes import require_only


@pytest.mark.parametrize(
    ("name", "sizes", "shape", "message"),
    [
        (
            *("mlp", {"channels": [3]}, (1, 8, 8)),
            "model.channels=[3] with model=mlp: allowed is model.hidden; drop model.channels or",
        ),
        (
            *("mlp", {"hidden": [5], "kernel_size": 3}, (4,)),
            "model.kernel_size=3 with model=mlp: allowed is model.hidden; drop",
        ),
        (
            *("rnn", {"hidden": [5], "pooling": "max"}, (4, 1)),
            "model.pooling=max with model=rnn: allowed is model.hidden; drop",
        ),
        (
            *("rnn", {"hidden": [5], "channels": [4]}, (4, 1)),
            "model.channels=[4] with model=rnn: allowed is model.hidden; drop",
        ),
        (
            *("cnn", {"channels": [4], "hidden": [5]}, (1, 8, 8)),
            "model.hidden=[5] with model=cnn: allowed is model.channels, model.kernel_size, "
            "model.pooling; drop model.hidden or choose another model",
        ),
    ],
)
def test_sizes_that_a_model_does_not_use_are_refused(name, sizes, shape, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        build_model(ModelConfig(name, **sizes), shape, 10)


@pytest.mark.parametrize("name", choices("model"))
def test_defaults_are_never_refused(name):
    require_only(ModelConfig(name))
