"""What a report printed is recalled exactly as long as the report would be the same."""

import pytest

import radexp
from radexp.commands.remembered import STAMP, recall, remember


@pytest.fixture
def kept(tmp_path):
    """Return a page and a study, after a report on it."""
    page, study = tmp_path / "report/index.html", tmp_path / "study"
    for path, text in (
        (page, "<html>"),
        (study / "run/summary.json", '{"status": "completed"}'),
        (study / "run/metrics.csv", "iteration\n"),
        (study / "run/run.log", "started"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    remember(page, [study], "radexp reproduce", "C1 reproduced")
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", STAMP]
    return page, study


def recalled(kept, command="radexp reproduce"):
    page, study = kept
    return recall(page, [study], command)


def test_it_is_recalled_while_nothing_changed_that_the_report_shows(kept):
    assert recalled(kept) == "C1 reproduced"
    (kept[1] / "run/run.log").write_text("started again")
    (kept[1] / "curves.png").write_bytes(b"a picture")
    assert recalled(kept) == "C1 reproduced"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report/index.html", "another command's page"),
        ("study/run/summary.json", '{"status": "diverged"}'),
        ("study/run/metrics.csv", "iteration\n1\n"),
        ("study/other/summary.json", "{}"),
        ("study/deviations.md", "words"),
        (f"report/{STAMP}", '{"digest": "cut'),
        (f"report/{STAMP}", "[]"),
    ],
)
def test_a_changed_page_record_or_stamp_is_not(kept, tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert recalled(kept) is None


@pytest.mark.parametrize("name", ["report/index.html", f"report/{STAMP}", "study/run/metrics.csv"])
def test_without_page_stamp_or_record_it_is_not(kept, tmp_path, name):
    (tmp_path / name).unlink()
    assert recalled(kept) is None


def test_nor_for_another_command_other_studies_or_another_version(kept, tmp_path, monkeypatch):
    assert recalled(kept, "radexp reproduce seed=0") is None
    assert recall(kept[0], [], "radexp reproduce") is None
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text('__version__ = "9"')
    monkeypatch.setattr(radexp, "__file__", str(tmp_path / "package/__init__.py"))
    assert recalled(kept) is None
