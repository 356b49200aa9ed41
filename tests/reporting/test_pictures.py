"""Pictures: which are drawn, in which order, and what each answers to."""

import re

import pytest
from sealed import edit_summary

from radexp.analysis.settings import by_setting
from radexp.reporting.finding import find
from radexp.reporting.loss_figure import draw_loss, most_complete
from radexp.reporting.measurements import read_measurements
from radexp.reporting.pictures import draw_pictures
from radexp.reporting.records import load_records, read_records
from radexp.reporting.report import draw_curves


@pytest.fixture
def pictures(tmp_path):
    def draw(path):
        found, target = find(path), tmp_path / "drawn"
        target.mkdir(exist_ok=True)
        return draw_pictures(read_records(found), read_measurements(found), target)

    return draw


def test_all_kinds_in_order_with_the_papers_figures(pictures, make_run, make_job, tmp_path):
    for arm in ("rad", "small_batch"):
        make_run(arm)
    for kind in ("noise", "depth", "memory", "bias"):
        make_job(kind, kind)
    found, curves = pictures(tmp_path / "outputs")
    assert [(p.kind, p.answers) for p in found] == [
        ("headline", "Fig. 5b"),
        ("curves", "Fig. 5b"),
        ("memory", "Table 1"),
        ("depth", "Fig. 2"),
        ("noise", "the figure of gradient noise in the appendix"),
    ]
    assert [path.name for path in curves] == ["curves.png", "curves.pdf"]
    assert all(p.path.read_bytes().startswith(b"\x89PNG") for p in found)
    assert "Answers to Fig. 2 of the paper." in found[3].words


def test_several_tables_are_numbered_and_old_pictures_go(pictures, make_job, tmp_path):
    first, _ = make_job("depth", study="a"), make_job("depth", study="b")
    found, _ = pictures(tmp_path / "outputs")
    assert [p.path.name for p in found] == ["depth-1.png", "depth-2.png"]
    pictures(first)
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["depth.png"]


def test_curves_leave_the_pictures_of_measurements_alone(make_run, tmp_path):
    make_run()
    target = tmp_path / "drawn"
    target.mkdir()
    for name in ("memory.png", "curves-2.png"):
        (target / name).write_bytes(b"old")
    draw_curves(tmp_path / "outputs", target)
    names = {path.name for path in target.iterdir()}
    assert names == {"memory.png", "curves.png", "curves.pdf"}


def test_the_same_records_give_the_same_bytes(pictures, make_job):
    job = make_job("noise")
    first = pictures(job)[0][0].path.read_bytes()
    assert pictures(job)[0][0].path.read_bytes() == first


def settings(root):
    return by_setting(load_records(root).runs)


def test_the_headline_needs_both_rivals(make_run, tmp_path):
    make_run("rad")
    make_run("small_batch", status="failed")
    assert most_complete(settings(tmp_path)) is None


def test_the_headline_prefers_the_published_protocol(write_any, tmp_path):
    for data, iterations, arms in (
        ("digits", 2000, ("exact", "rad", "small_batch")),
        ("mnist", 20_000, ("rad", "small_batch")),
    ):
        for arm in arms:
            options = {"data": data, "iterations": iterations, "every": 1000}
            write_any(tmp_path, arm, study=data, **options)
    setting, _ = most_complete(settings(tmp_path))
    assert setting.data == "mnist"


def test_one_panel_with_bytes_in_the_legend(study):
    records = load_records(study)
    ((setting, runs),) = by_setting(records.runs)
    figure = draw_loss(setting, runs, records.curves)
    (axes,) = figure.axes
    assert axes.get_title() == "mlp 300x300x300 on mnist"
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert all(re.fullmatch(r"\w+, 1\.\d+ MB, n=3", text) for text in texts)
    assert axes.get_yscale() == "log"


def test_no_evaluation_leaves_an_empty_panel(make_run):
    folder = make_run(status="failed")
    (folder / "metrics.csv").unlink()
    edit_summary(folder)
    records = load_records(folder)
    ((setting, runs),) = by_setting(records.runs)
    assert draw_loss(setting, runs, records.curves).legends == []
