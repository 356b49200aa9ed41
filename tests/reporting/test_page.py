"""The page: self-contained, escaped, complete."""

import json
import re
from html.parser import HTMLParser

from radexp.reporting.report import write_report

VOID = {"meta", "img", "br"}
HOSTILE = "<script>alert(1)</script>'\"&$title${style}"


class Checker(HTMLParser):
    """Collects tags, links and text, and insists that tags are balanced."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], set(), [], ""
        self.ids = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for key, value in attrs if key in ("src", "href", "srcset", "data")]
        self.ids |= {value for key, value in attrs if key == "id"}
        assert not any(key.startswith("on") for key, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parse(page):
    checker = Checker()
    html = page.read_text(encoding="utf-8")
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker, html


def test_hostile_text_is_shown_and_nothing_is_run_or_fetched(make_run, tmp_path):
    folder = make_run("rad", 0)
    make_run("small_batch", 0)
    make_run("exact", 0, status="failed", message=HOSTILE)
    for path in folder.parent.glob("*/config.yaml"):
        config = json.loads(path.read_text())
        config["study"] = config["data"]["name"] = HOSTILE
        path.write_text(json.dumps(config))
    (folder / "environment.json").write_text(json.dumps({HOSTILE: {HOSTILE: [HOSTILE, "\ud800"]}}))
    report = write_report(folder.parent, tmp_path / "report", HOSTILE + "\ud800", HOSTILE)
    checker, html = parse(report.page)
    assert "script" not in checker.tags
    assert "<script" not in html
    assert checker.text.count(HOSTILE) >= 5
    assert checker.links
    assert all(link.startswith(("data:image/png;base64,", "#c")) for link in checker.links)
    assert {link[1:] for link in checker.links if link[0] == "#"} <= checker.ids
    assert not re.search(r"https?:|url\(|@import|<link|<iframe", html)
    assert "default-src 'none'" in html


def test_the_page_has_every_part(study, tmp_path, make_run):
    make_run("rad_shared", 9, status="failed", message="the disk was full")
    report = write_report(study, tmp_path / "r", "radexp reproduce preset=quick", "not MNIST")
    checker, html = parse(report.page)
    assert [verdict.claim for verdict in report.verdicts] == ["C3"]
    assert [problem[:2] for problem in report.problems] == ["C6", "C7"]
    for part in (
        *(
            "C3: At the same memory",
            "reproduced",
            "[",
            "(n=3)",
            "at equal training seconds",
            "(at quick scale: ",
        ),
        *(
            "Final table",
            "Training curves",
            "Band",
            "the disk was full",
            "radexp reproduce preset=quick",
        ),
        *("not MNIST", "abc123", "numpy 2", "not judged C6", "seed 9 of rad"),
    ):
        assert part in checker.text, part
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html


def test_empty_parts_are_left_out(make_run, tmp_path):
    folder = make_run(model="cnn")
    (folder / "environment.json").unlink()
    text = parse(write_report(folder, tmp_path / "r").page)[0].text
    for heading in ("Commands", "Reactor", "Unbiasedness", "Runs and jobs", "Environment"):
        assert f"\n{heading}\n" not in text
