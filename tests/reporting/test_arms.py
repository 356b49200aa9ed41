"""Arms: fixed styles for those known, colours by fraction for versions of one."""

import pandas as pd

from radexp.reporting.arms import ARM_STYLES, FRACTION_COLOURS, OTHER_STYLES, RIVALS, group_arms


def styles(*labels):
    rows = [
        {"run": label, "arm": label.split()[0], "label": label, "status": "completed"}
        | {"keep": float(label.partition("keep=")[2].split(" ")[0] or "nan")}
        | {"parameter_bytes": 1e6, "measured_saved_bytes": 1e6}
        for label in labels
    ]
    return {a.completed[0]: (a.colour, a.line) for a in group_arms(pd.DataFrame(rows))}


def test_known_arms_have_their_own():
    found = styles("rad", "exact", "checkpoint")
    assert found == {**{a: ARM_STYLES[a] for a in ("exact", "rad")}, **RIVALS}


def test_one_fraction_has_one_colour_whatever_the_arm():
    found = styles("rad keep=0.1", "rad keep=0.5", "rad_shared keep=0.1")
    assert found["rad keep=0.1"] == (FRACTION_COLOURS[0], "-")
    assert found["rad keep=0.5"] == (FRACTION_COLOURS[1], "-")
    assert found["rad_shared keep=0.1"] == (FRACTION_COLOURS[0], "--")


def test_other_versions_take_spare_styles():
    found = styles("rad keep=0.1 lr=1", "rad keep=0.1 lr=2", "new")
    assert set(found.values()) == set(OTHER_STYLES[:3])


def test_more_fractions_than_colours_still_differ():
    labels = [f"rad keep={keep}" for keep in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)]
    assert len(set(styles(*labels).values())) == 7
