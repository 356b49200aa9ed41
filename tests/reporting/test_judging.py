"""Judging: all claims in order, each with its scale, its place or the reason why not."""

import pytest

from radexp.analysis.claims import Verdict
from radexp.analysis.statistics import Interval
from radexp.errors import UsageError
from radexp.reporting import judging
from radexp.reporting.claim_rows import NO_RECORDS, ClaimRow, claim_rows, claim_table, tally
from radexp.reporting.finding import find
from radexp.reporting.judging import RULES, judge_records
from radexp.reporting.measurements import read_measurements
from radexp.reporting.paper_claims import PAPER_CLAIMS
from radexp.reporting.records import read_records


def verdict(claim, outcome="inconclusive", title="a title"):
    interval = Interval(0.5, 0.25, 0.75, 4)
    return Verdict(claim, title, f"{claim} of mlp", outcome, "a ratio", interval, 4, "0.5.")


def row(claim, outcome, title="a title"):
    return ClaimRow(claim, "", title, "paper", "where", outcome, *[""] * 4, None)


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

        for kind in found:
            monkeypatch.setitem(judging.JUDGES, kind, (judging.JUDGES[kind][0], judge(kind)))

    return set_to


def judged(path):
    found = find(path)
    return judge_records(read_records(found), read_measurements(found))


def test_ids_and_rules_cover_the_eleven_claims():
    assert list(PAPER_CLAIMS) == [f"C{number}" for number in range(1, 12)]
    assert set(RULES) == set(PAPER_CLAIMS)


def test_measured_tables_give_verdicts_beside_those_of_runs(judges, make_job, study):
    judges(noise=[verdict("C11")], memory=[verdict("C2")])
    make_job("noise", "n")
    make_job("noise", "n", study="a-noise-quick")
    make_job("memory", "m")
    found = judged(study)
    assert [j.verdict.claim for j in found.judgements] == ["C2", "C3", "C6", "C7", "C11", "C11"]
    assert [j.scale for j in found.of("C11")] == ["", "at quick scale"]
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


@pytest.mark.parametrize(
    ("study", "scale"),
    [
        ("noise-smoke", "at smoke scale"),
        ("noise-reduced", "at reduced scale"),
        *((name, "") for name in ("noise-paper", "noise", "quick", "noise-quick-2")),
    ],
)
def test_the_scale_of_a_measurement_is_in_the_name_of_its_study(make_job, study, scale):
    assert [found.scale for found in judged(make_job("depth", study=study)).judgements] == [
        scale
    ] * 2


def test_two_jobs_with_one_row_are_a_problem_of_their_claims_alone(make_job, tmp_path):
    make_job("depth", "a")
    make_job("depth", "b")
    make_job("noise", "c")
    found = judged(tmp_path)
    assert [judgement.verdict.claim for judgement in found.judgements] == ["C11"]
    for claim in ("C9", "C10"):
        (problem,) = found.problems_of(claim)
        assert problem.startswith(f"{claim} in measured: measured/a and measured/b: the same row")


def test_a_row_says_what_was_judged_and_what_the_paper_claims(study):
    rows = {row.claim: row for row in claim_rows(judged(study))}
    assert rows["C6"].title == (
        "First half of the claim: a sample for each example beats one for the whole batch"
    )
    assert rows["C6"].paper.startswith("MNIST: different sample beats same sample; CIFAR-10: it")
    assert rows["C7"].title == "The full-memory exact baseline is best of all: mlp"
    assert (rows["C1"].title, rows["C1"].paper) == ("", "Every RAD estimator is unbiased")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("reproduced", "mlp"), ("reproduced", "cnn")], "1 reproduced"),
        ([("reproduced", "mlp"), ("not reproduced", "cnn")], "1 mixed"),
        ([("reproduced", "mlp"), ("inconclusive", "mlp")], "1 inconclusive"),
        ([("inconclusive", "mlp"), ("not reproduced", "mlp")], "1 not reproduced"),
        ([("reproduced", "mlp"), ("not judged", "")], "1 mixed"),
        ([("not judged", ""), ("not judged", "")], "1 not judged"),
    ],
)
def test_a_claim_counts_once(rows, words):
    assert tally([row("C7", *cells) for cells in rows]) == f"1 claims: {words}"
    more = [row("C1", "reproduced"), *(row("C7", *cells) for cells in rows)]
    assert tally(more).startswith("2 claims: ")


def test_the_table_of_claims_has_verdicts_without_comparisons(judges, make_job, tmp_path):
    judges(bias=[verdict("C1", "reproduced")])
    make_job("bias")
    (row,) = claim_table(judged(tmp_path)).to_dict("records")
    assert (row["claim"], row["verdict"], row["view"], row["decides"]) == (
        *("C1", "reproduced", "a ratio", "yes"),
    )
    assert (row["mean"], row["low"], row["high"], row["n"]) == (0.5, 0.25, 0.75, 4)


def test_an_absent_arm_shows_its_reason(make_run):
    found = next(row for row in claim_rows(judged(make_run("rad", 0))) if row.claim == "C3")
    assert (found.verdict, found.n) == ("inconclusive", "0")
    assert "no runs of small_batch" in found.numbers


def test_published_settings_come_first_and_say_so(write_any, tmp_path):
    for data, iterations in (("digits", 200), ("mnist", 20_000)):
        for arm in ("rad", "small_batch"):
            for seed in range(2):
                options = {"data": data, "iterations": iterations, "every": iterations // 4}
                write_any(tmp_path / data, arm, seed, study=f"{data}-study", **options)
    scales = [found.scale for found in judged(tmp_path).of("C3")]
    assert scales[0] == "published protocol"
    assert scales[1].startswith("at quick scale: digits, 200")
