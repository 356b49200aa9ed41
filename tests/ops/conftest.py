"""What tests of operations share: chunks of a recurrence, of any size."""

import pytest
import torch
from recurrent_cases import H, N

from radexp.ops import recurrent_steps


@pytest.fixture
def chunks_of(monkeypatch):
    """Return a function that sets how many steps of N rows and H units make a chunk."""

    def set_steps(steps, dtype=torch.float64, rows=N, hidden=H):
        size = steps * rows * hidden * dtype.itemsize
        monkeypatch.setattr(recurrent_steps, "CHUNK_BYTES", size + 1)

    return set_steps
