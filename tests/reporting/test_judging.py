"""Judging: all claims in order, each with its scale, its place or the reason why not."""

import pytest

from radexp.analysis.claims import Verdict
from radexp.analysis.statistics import Interval
from radexp.errors import UsageError
from radexp.reporting import judging
from radexp.reporting.claim_rows import NO_RECORDS, claim_rows, claim_table, tally
from radexp.reporting.finding import find
from radexp.reporting.judging import RULES, judge_records
from radexp.reporting.measurements import read_measurements
from radexp.reporting.paper_claims import PAPER_CLAIMS
from radexp.reporting.records import read_records

QUICK = "at quick scale: digits, 5 iterations, not the paper's"


def verdict(claim, outcome="inconclusive", scale=""):
    title = f"a title ({scale})" if scale else "a title"
    interval = Interval(0.5, 0.25, 0.75, 4)
    return Verdict(claim, title, f"{claim} of mlp", outcome, "a ratio", interval, 4, "0.5.")


@pytest.fixture
def judges(monkeypatch):
    """Set verdicts of measured tables by kind: a list, or an error."""

    def set_to(**found):
        def judge(kind):
            def judged(rows):
                if isinstance(found[kind], Exception):
                    raise found[kind]
                return found[kind]

            return judged

        known = judging._judges()
        table = {kind: (ids, judge(kind)) for kind, (ids, _) in known.items() if kind in found}
        monkeypatch.setattr(judging, "_judges", lambda: table)

    return set_to


def judged(path):
    found = find(path)
    return judge_records(read_records(found), read_measurements(found))


def test_ids_and_rules_cover_the_eleven_claims():
    assert list(PAPER_CLAIMS) == [f"C{number}" for number in range(1, 12)]
    assert set(RULES) == set(PAPER_CLAIMS)


def test_measured_tables_give_verdicts_beside_those_of_runs(judges, make_job, study):
    judges(noise=[verdict("C11", scale=QUICK), verdict("C11")], memory=[verdict("C2")])
    make_job("noise", "n")
    make_job("memory", "m")
    found = judged(study)
    assert [j.verdict.claim for j in found.judgements] == ["C2", "C3", "C6", "C7", "C11", "C11"]
    assert [j.scale for j in found.of("C11")] == [QUICK, ""]
    assert found.of("C3")[0].scale.startswith("at quick scale: mnist, 2,000 iterations")
    assert found.of("C3")[0].place == (study / "mnist_mlp-quick").resolve()
    assert found.of("C2")[0].place == (study / "measured").resolve()
    numbers = [row.numbers for row in claim_rows(found) if row.claim == "C11"]
    assert numbers == ["a ratio: 0.5 [0.25, 0.75]"] * 2


def test_a_table_that_cannot_be_judged_is_a_problem_of_its_claims(judges, make_job, tmp_path):
    judges(depth=UsageError("3 rows: allowed is more"))
    make_job("depth")
    found = judged(tmp_path)
    assert found.judgements == ()
    assert found.problems_of("C9") == ["C9 in measured: 3 rows: allowed is more"]
    assert found.problems_of("C10") == ["C10 in measured: 3 rows: allowed is more"]
    rows = {row.claim: row for row in claim_rows(found)}
    assert rows["C9"].numbers == "in measured: 3 rows: allowed is more"
    assert rows["C1"].numbers == NO_RECORDS
    assert len(rows) == 11
    assert tally(list(rows.values())) == "11 claims: 11 not judged"


def test_the_table_of_claims_has_verdicts_without_comparisons(judges, make_job, tmp_path):
    judges(bias=[verdict("C1", "reproduced")])
    make_job("bias")
    (row,) = claim_table(judged(tmp_path)).to_dict("records")
    assert (row["claim"], row["verdict"], row["view"], row["decides"]) == (
        *("C1", "reproduced", "a ratio", "yes"),
    )
    assert (row["mean"], row["low"], row["high"], row["n"]) == (0.5, 0.25, 0.75, 4)


def test_an_absent_arm_shows_its_reason(make_run):
    row = next(row for row in claim_rows(judged(make_run("rad", 0))) if row.claim == "C3")
    assert (row.verdict, row.n) == ("inconclusive", "0")
    assert "no runs of small_batch" in row.numbers


def test_published_settings_come_first_and_say_so(write_any, tmp_path):
    for data, iterations in (("digits", 200), ("mnist", 20_000)):
        for arm in ("rad", "small_batch"):
            for seed in range(2):
                options = {"data": data, "iterations": iterations, "every": iterations // 4}
                write_any(tmp_path / data, arm, seed, study=f"{data}-study", **options)
    scales = [found.scale for found in judged(tmp_path).of("C3")]
    assert scales[0] == "published protocol"
    assert scales[1].startswith("at quick scale: digits, 200")
