"""The committed results: the report and the README follow from the evidence alone."""

import importlib.util
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
PAGE_LIMIT_BYTES = 4_000_000
FOLDER_LIMIT_BYTES = 30_000_000


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """Return a folder with the committed evidence and a report made from it."""
    spec = importlib.util.spec_from_file_location("script", ROOT / "scripts/report_results.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    copy = tmp_path_factory.mktemp("again") / "results"
    copy.mkdir()
    for folder in RESULTS.iterdir():
        if folder.is_dir() and folder.name != "report":
            shutil.copytree(folder, copy / folder.name)
    script.report_results(copy, copy / "report", copy / "README.md")
    return copy


def test_the_verdicts_are_the_committed_ones(rebuilt):
    new, old = (pd.read_csv(place / "report/claims.csv") for place in (rebuilt, RESULTS))
    texts = ["setting", "claim", "title", "verdict", "favoured", "other", "view", "decides", "n"]
    pd.testing.assert_frame_equal(new[texts], old[texts])
    numbers = ["mean", "low", "high"]
    pd.testing.assert_frame_equal(new[numbers], old[numbers], rtol=1e-6)


def test_the_final_table_is_the_committed_one(rebuilt):
    new, old = (pd.read_csv(place / "report/table.csv") for place in (rebuilt, RESULTS))
    pd.testing.assert_frame_equal(new, old, rtol=1e-6)


def test_the_readme_is_the_committed_one(rebuilt):
    new, old = ((place / "README.md").read_text(encoding="utf-8") for place in (rebuilt, RESULTS))
    assert new == old


def test_every_link_of_the_readme_leads_somewhere():
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    links = [part.partition(">)")[0] for part in text.split("](<")[1:]]
    assert len(links) > 8
    assert all((RESULTS / link).exists() for link in links)


def written_by(path):
    """Return the program that a PNG names: matplotlib writes its version there, and no date."""
    with Image.open(path) as image:
        return image.info["Software"]


def test_the_same_figures_are_drawn(rebuilt):
    new, old = (sorted((place / "report").glob("*.png")) for place in (rebuilt, RESULTS))
    assert [path.name for path in new] == [path.name for path in old]
    if written_by(new[0]) != written_by(old[0]):
        pytest.skip(f"the committed figures were drawn by {written_by(old[0])}")
    differing = [a.name for a, b in zip(new, old, strict=True) if a.read_bytes() != b.read_bytes()]
    assert not differing


def test_sizes_stay_within_their_limits():
    assert (RESULTS / "report/index.html").stat().st_size < PAGE_LIMIT_BYTES
    sizes = [path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(sizes) < FOLDER_LIMIT_BYTES
