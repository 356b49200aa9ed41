"""The page: self-contained, escaped, complete."""

import json
import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote

from sealed import edit_summary

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
    for path in folder.parent.glob("*/config.yaml"):
        edit_summary(path.parent)
    report = write_report(folder.parent, tmp_path / "report", HOSTILE + "\ud800", HOSTILE)
    checker, html = parse(report.page)
    assert "script" not in checker.tags
    assert "<script" not in html
    assert checker.text.count(HOSTILE) >= 5
    assert checker.links
    own = ("data:image/png;base64,", "#", "../outputs/mnist_mlp-quick")
    assert all(link.startswith(own) for link in checker.links)
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
    folder = make_run(model="other")
    (folder / "environment.json").unlink()
    edit_summary(folder)
    text = parse(write_report(folder, tmp_path / "r").page)[0].text
    for heading in ("Commands", "Reactor", "Unbiasedness", "Runs and jobs", "Environment"):
        assert f"\n{heading}\n" not in text


def test_measurements_have_their_sections_and_numbers(make_run, make_job, tmp_path):
    for arm in ("rad", "small_batch", "exact"):
        for seed in range(2):
            make_run(arm, seed)
    for kind in ("memory", "noise", "depth", "bias"):
        make_job(kind, kind)
    make_job("memory", "cut", status="failed")
    (tmp_path / "outputs/measured/deviations.md").write_text("- one **thread**")
    (tmp_path / "outputs/measured/command.txt").write_text("radexp reproduce measure=all")
    report = write_report(tmp_path / "outputs", tmp_path / "r")
    checker, html = parse(report.page)
    order = re.findall("<h2>(.*?)</h2>", html)
    assert order == [
        *("Claims", "Verdicts in detail", "Table 1, side by side", "Training curves"),
        *("Variance against depth", "Gradient noise", "Unbiasedness", "Final table"),
        *("Runs and jobs that did not complete", "Deviations from the published protocol"),
        *("Commands", "Environment"),
    ]
    assert html.index("<img") < html.index("<h2>Claims")
    assert len(re.findall("<img", html)) == 5
    for part in (
        *("closed form, full masks", "measured, lean", "rad over small batch", "1.99 [1.9"),
        *("independent", "1.0300", "measured/cut", "no room", "one thread", "measure=all"),
        *("def456", "abc123", "iterations 2,000 (published: 20,000)", "Answers to Table 1"),
        *("Answers to Fig. 5b", "Answers to Fig. 2 of the paper", "at equal examples seen"),
    ):
        assert part in checker.text, part


def test_every_claim_is_in_the_table_judged_or_not(study, tmp_path):
    checker, html = parse(write_report(study, tmp_path / "r").page)
    found = re.findall(r"<b>(C\d+)</b>.*?class='verdict \w+'>([a-z ]+)<", html)
    assert [claim for claim, _ in found] == [f"C{number}" for number in range(1, 12)]
    words = dict(found)
    assert words["C3"] == words["C7"] == "reproduced"
    assert "11 claims: 3 reproduced, 8 not judged. Each claim counts once" in checker.text
    assert "Fig. 5: The full-memory baseline is best everywhere" in checker.text
    assert words["C1"] == words["C5"] == "not judged"
    assert checker.text.count("no records") == 8
    assert {"#c3-1", "#c6-1", "#c7-1"} <= set(checker.links)


def test_the_contents_lead_to_every_section(study, tmp_path):
    _, html = parse(write_report(study, tmp_path / "r").page)
    contents = re.search("<nav aria-label='Contents'>(.*?)</nav>", html)[1]
    listed = re.findall("<a href='#(.*?)'>(.*?)</a>", contents)
    sections = re.findall("<section id='(.*?)'>\n<h2>(.*?)</h2>", html)
    assert listed == sections
    assert ("training-curves", "Training curves") in listed
    assert ("reactor", "Reactor") not in listed


def test_every_verdict_leads_to_its_figure_and_its_records(make_run, make_job, tmp_path):
    for arm in ("rad", "small_batch"):
        make_run(arm, study="a <b>")
        make_run(arm, study="plain", model="cnn", data="cifar10")
    make_job("depth", study="deep")
    page = write_report(tmp_path / "outputs", tmp_path / "r").page
    checker, html = parse(page)
    rows = re.findall(
        r"<b>(C\d+)</b>.*?data-label='evidence'[^>]*><div>(.*?)</div></td></tr>", html
    )
    cells = {claim: re.findall("<a href='(.*?)'>(.*?)</a>", cell) for claim, cell in rows}
    assert cells["C9"] == [("#variance-against-depth", "shown here"), ("../outputs/deep", "deep")]
    figures = {}
    for claim, path, name in (
        ("C3", "../outputs/a%20%3Cb%3E", "a &lt;b&gt;"),
        ("C4", "../outputs/plain", "plain"),
    ):
        (figure, _), folder = cells[claim]
        assert folder == (path, name)
        assert (page.parent / unquote(path)).is_dir()
        figures[claim] = re.search(f"<figure id='{figure[1:]}'>.*?<img alt='([^']*)'", html)[1]
    assert "Loss and accuracy curves, a &lt;b&gt;: mlp" in figures["C3"]
    assert "Loss and accuracy curves, plain: cnn" in figures["C4"]
    assert dict(rows)["C1"] == "-"
    assert {link[1:] for link in checker.links if link[0] == "#"} <= checker.ids


def test_a_study_whose_name_is_no_utf_8_is_linked(make_job, tmp_path):
    make_job("depth", study=os.fsdecode(b"deep\xff"))
    write_report(tmp_path / "outputs", tmp_path / "r")
    for name in ("index.html", "report.md"):
        assert "../outputs/deep%FF" in (tmp_path / "r" / name).read_text()


def test_only_measurements_make_a_page_that_begins_with_their_figure(make_job, tmp_path):
    report = write_report(make_job("depth"), tmp_path / "r")
    checker, html = parse(report.page)
    assert html.index("<img") < html.index("<h2>Claims")
    assert len(re.findall("<img", html)) == 1
    assert "the figure at the top" in checker.text
    assert "<h2>Final table" not in html
    assert report.table == ""
    names = {path.name for path in report.page.parent.iterdir()}
    assert names == {"index.html", "report.md", "claims.csv", "depth.png"}


def test_hostile_measurements_are_shown_and_not_run(make_job, measured_text, tmp_path):
    for kind in ("memory", "noise", "bias"):
        text = measured_text(kind).replace("mlp", '"' + HOSTILE.replace('"', '""') + '"')
        make_job(kind, kind, text=text)
    (tmp_path / "outputs/measured/deviations.md").write_text(f"- {HOSTILE}\n\n{HOSTILE}")
    (tmp_path / "outputs/measured/command.txt").write_text(HOSTILE)
    report = write_report(tmp_path / "outputs", tmp_path / "r")
    checker, html = parse(report.page)
    assert "<script" not in html
    assert checker.text.count(HOSTILE) >= 6
    # In Markdown the commands, code between backticks, are the one place for such text.
    text, _, commands = (tmp_path / "r/report.md").read_text().partition("## Commands")
    assert "<script" not in text
    assert commands.count("`") == 2
