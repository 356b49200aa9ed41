"""Row sampling: which rows are kept, and what is done to them."""

import pytest
import torch

from radexp.errors import UsageError
from radexp.sketches import Rows

SHAPE = (3, 40, 7)


@pytest.mark.parametrize("keep", [0, 1, 1.5, float("nan")])
def test_keep_out_of_range_is_refused(keep):
    with pytest.raises(UsageError, match=rf"keep={keep}: allowed is 0 < keep < 1; use Exact\(\)"):
        Rows(keep)


def test_rows_come_back_whole_and_rescaled_or_not_at_all():
    x, sketch = torch.rand(SHAPE, dtype=torch.float64) + 1, Rows(0.25)
    times = sketch.restore(sketch.compress(x, 5), SHAPE, 5) / x
    kept = times > 0
    assert torch.equal(kept.sum(1), torch.full((3, 7), 10))
    assert torch.equal(kept.all(2), kept.any(2))
    torch.testing.assert_close(times, 4 * kept.double())


def test_every_row_is_kept_equally_often():
    rows = Rows(0.25).kept_rows((4000, 40, 1), 0, torch.device("cpu"))
    share = torch.bincount(rows.flatten(), minlength=40) / 4000
    # A share's standard deviation is sqrt(0.25 * 0.75 / 4000) = 0.0068.
    assert (share - 0.25).abs().max() < 5 * 0.0068
