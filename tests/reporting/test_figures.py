"""Figures: every arm drawn once, for any mixture of runs."""

import pytest
from sealed import edit_summary

from radexp.analysis.settings import by_setting
from radexp.reporting.arms import ARM_STYLES
from radexp.reporting.figures import as_data_uri, draw, save
from radexp.reporting.records import load_records


def figures(root):
    records = load_records(root)
    return [draw(setting, runs, records.curves) for setting, runs in by_setting(records.runs)]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_all_arms_in_all_panels_in_their_colours(study):
    (figure,) = figures(study)
    assert len(figure.axes) == 9
    colours = [colour for colour, _ in ARM_STYLES.values()]
    assert all([line.get_color() for line in axes.lines] == colours for axes in figure.axes)
    assert all(len(axes.collections) == 5 for axes in figure.axes)
    assert legend(figure)[0] == "exact, 1.85 MB, n=3"
    assert figure.axes[0].get_yscale() == "log"


def test_one_run_has_no_band(make_run):
    (figure,) = figures(make_run())
    assert not any(axes.collections for axes in figure.axes)
    assert legend(figure) == ["rad, 1.72 MB, n=1"]


def test_diverged_runs_are_shown_apart_from_the_mean(make_run):
    for seed in range(3):
        folder = make_run("exact", seed, status="diverged" if seed == 2 else "completed")
    (figure,) = figures(folder.parent)
    assert legend(figure) == ["exact, 1.85 MB, n=2, 1 diverged"]
    mean, lost = figure.axes[0].lines
    assert mean.get_xdata()[-1] == 2000
    assert lost.get_xdata()[-1] == 900  # the last evaluation of a finite loss


def test_only_runs_that_did_not_complete(make_run):
    (figure,) = figures(make_run(status="out_of_memory"))
    assert legend(figure) == ["rad, 1.72 MB, n=0, 1 out of memory"]


def test_no_evaluations_at_all(make_run):
    folder = make_run(status="failed")
    (folder / "metrics.csv").unlink()
    edit_summary(folder)
    (figure,) = figures(folder)
    assert figure.axes[0].texts[0].get_text() == "no evaluations yet"


def test_runs_without_accuracy_have_no_such_panels(make_run):
    path = make_run() / "metrics.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    lines = [",".join([*row[:5], "", *row[6:]]) for row in rows[1:]]
    path.write_text("\n".join([",".join(rows[0]), *lines, ""]))
    edit_summary(path.parent)
    (figure,) = figures(path.parent)
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == [
        "training loss",
        "test loss",
    ]


@pytest.mark.parametrize("name", [r"$\frac{", "a" * 300, "<b>&", "_x_"])
def test_any_name_can_be_drawn(make_run, name):
    path = make_run() / "config.yaml"
    path.write_text(path.read_text().replace('"rad"', f'"{name}"'.replace("\\", "\\\\")))
    edit_summary(path.parent)
    (figure,) = figures(path.parent)
    figure.draw_without_rendering()


def test_the_same_runs_give_the_same_bytes(make_run, tmp_path):
    run = make_run()
    one, other = figures(run) + figures(run)
    first, second = save(one, tmp_path / "a.b"), save(other, tmp_path / "c")
    assert [path.name for path in first] == ["a.b.png", "a.b.pdf"]
    pairs = zip(first, second, strict=True)
    assert all(left.read_bytes() == right.read_bytes() for left, right in pairs)


def test_data_uri(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG")
    assert as_data_uri(tmp_path / "x.png") == "data:image/png;base64,iVBORw=="


@pytest.mark.parametrize(("floor", "ticks"), [(2.2, 3), (0.3, 3), (0.01, 3), (1e-7, 3)])
def test_every_range_of_loss_has_labelled_ticks(make_run, floor, ticks):
    (figure,) = figures(make_run(floor=floor))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    labels = [t.get_text() for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert len([label for label in labels if label]) >= ticks
