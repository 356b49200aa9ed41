"""Settings: what may be compared, and how versions of one arm are named."""

import pandas as pd

from radexp.analysis.settings import by_setting


def test_runs_of_different_data_are_different_settings(tables):
    mnist, _ = tables({"rad": [0.1], "exact": [0.1]})
    digits, _ = tables({"rad": [0.1]}, data="digits", iterations=2000)
    found = by_setting(pd.concat([mnist, digits], ignore_index=True))
    assert [(s.data, s.published, len(runs)) for s, runs in found] == [
        ("digits", False, 1),
        ("mnist", True, 2),
    ]
    assert found[0][0].title == "study: mlp 300 on digits, 2,000 iterations"


def test_different_tuning_between_arms_leaves_labels_alone(tables):
    runs, _ = tables({"rad": [0.1, 0.2], "exact": [0.1]})
    runs.loc[runs["arm"] == "exact", "lr"] = 0.5
    assert by_setting(runs)[0][1]["label"].tolist() == ["exact", "rad", "rad"]


def test_versions_of_one_arm_are_named_by_what_differs(tables):
    runs, _ = tables({"rad": [0.1, 0.2, 0.3]})
    runs["keep"] = [0.1, 0.25, float("nan")]
    runs["budget"] = ["", "10%", "20%"]
    labels = by_setting(runs)[0][1]["label"].tolist()
    assert labels == ["rad budget=10% keep=0.25", "rad budget=20%", "rad keep=0.1"]
