"""The depth figure is a picture of its rows: of all arms, and of some."""

from io import BytesIO

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from radexp.analysis.depth_rates import CURVES
from radexp.reporting.depth_figure import PANELS, write_depth_figure


def rows(arms=tuple(CURVES)):
    records = [
        {
            **{"study": study, "arm": arm, "sketch": sketch, "width": 32, "kept": kept},
            **{"depth": depth, "seed": seed},
            "variance": CURVES[arm](np.array([float(depth)]), 32, kept)[0] * (1 + 0.1 * seed),
        }
        for study, arm in PANELS
        if arm in arms
        for sketch in (("edges",) if study == "graphs" else ("rad", "rad_shared"))
        for kept in (8, 16)
        for depth in (1, 2, 3)
        for seed in (0, 1, 2)
    ]
    return pd.DataFrame(records)


def picture(table):
    file = BytesIO()
    write_depth_figure(table, file)
    file.seek(0)
    return matplotlib.image.imread(file)


def test_the_picture_has_four_panels_that_show_the_rows():
    whole = picture(rows())
    assert whole.shape[0] > 600
    # What a panel shows changes with its arm's rows and no other.
    for index, (_, arm) in [*enumerate(PANELS)][::3]:
        table = rows()
        chosen = (table["arm"] == arm) & (table["depth"] == 2) & (table["kept"] == 16)
        table.loc[chosen, "variance"] *= 1.3
        changed = np.argwhere((picture(table) != whole).any(axis=-1))
        middle = np.array(whole.shape[:2]) / 2
        side = (changed.mean(axis=0) > middle).astype(int)
        assert side.tolist() == [index // 2, index % 2]


@pytest.mark.parametrize("arm", CURVES)
def test_one_arm_alone_can_be_drawn(arm):
    assert picture(rows((arm,))).shape[0] > 600
