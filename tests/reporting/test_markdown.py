"""The report as Markdown: the same numbers, relative links, nothing that could be HTML."""

import re

from radexp.reporting.markdown import render_markdown
from radexp.reporting.report import write_report

HOSTILE = "<img src=x> | a](http://b) `c` **d**"


def tables(text):
    """Return the cells of each table, heads first."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)
    return [
        [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.split("\n")[:-1]
        ]
        for block in blocks
    ]


def test_claims_table_1_finals_and_figures(study, make_job, tmp_path):
    make_job("memory")
    report = write_report(study, tmp_path / "outputs/r", "radexp report")
    text = (tmp_path / "outputs/r/report.md").read_text()
    claims, table_1, finals = tables(text)
    assert [row[0] for row in claims[2:]] == [
        *("C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11"),
    ]
    c3 = claims[4]
    assert c3[1].startswith("MNIST: at the same memory and iterations, RAD (different sample)")
    assert c3[2].endswith("lowers the training loss faster than a small batch")
    assert claims[2][1:4] == ["Every RAD estimator is unbiased (section 3)", "", "**not judged**"]
    assert c3[3] == "**reproduced**"
    assert c3[4].startswith("at quick scale: mnist, 2,000 iterations")
    assert c3[6:] == ["3", "[mnist_mlp-quick](<../mnist_mlp-quick>)"]
    assert table_1[2][:2] == ["mlp", "printed"]
    assert [row[0] for row in finals[2:]] == [
        *("exact", "rad", "rad_project", "rad_shared", "small_batch"),
    ]
    assert all(len({len(row) for row in table}) == 1 for table in (claims, table_1, finals))
    assert re.findall(r"\]\(<(\w+\.png)>\)", text) == ["headline.png", "memory.png", "curves.png"]
    assert "- this report: `radexp report`" in text
    assert report.content.judged.problems == tuple(report.problems)


def test_links_are_relative_to_where_the_text_will_stand(study, tmp_path):
    report = write_report(study, tmp_path / "outputs/r")
    text = render_markdown(report.content, tmp_path / "outputs")
    assert "](<r/headline.png>)" in text
    assert "](<mnist_mlp-quick>)" in text
    assert str(tmp_path) not in text


def test_names_of_folders_stay_text(make_run, tmp_path):
    folder = tmp_path / "a](javascript:x) <b>\x1b[31m\nc"
    make_run("exact").parent.rename(folder)
    write_report(folder, tmp_path / "r")
    text = (tmp_path / "r/report.md").read_text()
    assert all(line.isprintable() for line in text.split("\n"))
    assert "](<../a%5D%28javascript%3Ax%29%20%3Cb%3E%1B%5B31m%0Ac>)" in text


def test_hostile_text_stays_text(make_run, tmp_path):
    run = make_run("exact", 0, status="failed", message=HOSTILE)
    (run.parent / "deviations.md").write_text(HOSTILE)
    write_report(run, tmp_path / "r", HOSTILE, HOSTILE)
    text = (tmp_path / "r/report.md").read_text()
    assert "<img" not in text.partition("- this report: `")[0]
    incomplete = next(table for table in tables(text) if table[0][0] == "run")
    assert len(incomplete[2]) == 5
    assert r"\| a\]" in incomplete[2][4] or r"a]\(http" in incomplete[2][4]
    assert r"\`c\` \*\*d\*\*" in incomplete[2][4]
