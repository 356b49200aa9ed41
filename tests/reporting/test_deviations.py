"""Deviations: what code can tell, and what people wrote beside the records."""

import pytest
from sealed import edit_summary

from radexp.analysis.settings import by_setting
from radexp.errors import UsageError
from radexp.reporting.deviations import COMMAND, protocol_facts, read_written, written
from radexp.reporting.finding import WRITTEN, find
from radexp.reporting.records import load_records


def facts(path):
    return [protocol_facts(*pair) for pair in by_setting(load_records(path).runs)]


def test_each_difference_is_named_with_the_published_value(study):
    (found,) = facts(study)
    assert found == [
        "iterations 2,000 (published: 20,000)",
        "completed seeds of an arm, at least 3 (published: 5)",
        "kept fraction 0.0914 (published: 0.1)",
    ]


def test_data_sizes_and_batches(make_run, tmp_path):
    make_run("small_batch", data="digits")
    (found,) = facts(tmp_path)
    assert found[0] == "data set digits (published: mnist)"
    assert not any("batch" in fact for fact in found)  # 20 is the published small batch
    edit_summary(next(tmp_path.rglob("summary.json")).parent, batch_size=31)
    assert "small batch 31 (published: 20 or 22)" in facts(tmp_path)[0]


def test_an_arm_without_a_completed_seed_counts_as_none(make_run, tmp_path):
    make_run("rad", status="failed")
    assert "completed seeds of an arm, at least 0 (published: 5)" in facts(tmp_path)[0]


def test_the_published_protocol_has_no_facts(write_any, tmp_path):
    for seed in range(5):
        write_any(tmp_path, "rad", seed, iterations=20_000, every=5_000, keep=0.1)
    assert facts(tmp_path) == [[]]


def test_a_network_that_the_paper_lacks_has_none(make_run):
    assert facts(make_run(model="other")) == [[]]


def test_words_stand_beside_evidence_or_above_runs_and_jobs(make_run, make_job, tmp_path):
    for folder in (make_run(), make_job("memory", study="m")):
        (folder.parent / WRITTEN).write_text(f"of {folder.parent.name}\n")
    assert written(find(tmp_path), WRITTEN) == {
        "m": "of m",
        "mnist_mlp-quick": "of mnist_mlp-quick",
    }


def test_words_on_a_study_of_several_folders_are_shown_with_theirs(tmp_path, measured_text):
    for name in ("mlp", "rnn"):
        (tmp_path / "noise" / name).mkdir(parents=True)
        (tmp_path / "noise" / name / "noise.csv").write_text(measured_text("noise"))
        (tmp_path / "noise" / name / COMMAND).write_text(f"radexp variance model={name}\n")
    (tmp_path / "noise" / WRITTEN).write_text("- few gradients")
    found = find(tmp_path)
    assert written(found, WRITTEN) == {"noise": "- few gradients"}
    assert written(found, COMMAND) == {
        "noise/mlp": "radexp variance model=mlp",
        "noise/rnn": "radexp variance model=rnn",
    }


def test_words_hold_nothing_that_a_terminal_obeys(make_run, tmp_path):
    for name in (WRITTEN, COMMAND):
        (make_run(seed=len(name)).parent / name).write_text("a \x1b[31m\x07b\n\n- \u202ec\xa0d\n")
    words = read_written(find(tmp_path))
    assert [*words.deviations.values(), *words.commands.values()] == ["a  [31m b\n\n-  c d"] * 2


def test_too_many_words_are_refused(make_run, tmp_path):
    (make_run().parent / WRITTEN).write_text("x" * 20_001)
    with pytest.raises(UsageError, match="too large; allowed is at most 20,000 bytes"):
        written(find(tmp_path), WRITTEN)
