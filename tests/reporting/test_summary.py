"""summary.json: believed only as it was written."""

import pytest
from sealed import edit_summary

from radexp.errors import UsageError
from radexp.reporting.summary import read_summary

MEND = "allowed is the record that radexp wrote; put it back as it was, or delete summary.json and"


def test_without_a_summary_there_is_nothing_to_tell(tmp_path):
    assert read_summary(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("summary.json", '"batch_size": 150', '"batch_size": 151', "it is not as it was written"),
        ("metrics.csv", "100,", "900,", "metrics.csv, of which it tells, is not as it was written"),
        ("config.yaml", "rad", "rid", "config.yaml, of which it tells, is not as it was written"),
    ],
)
def test_what_was_changed_is_refused_in_one_line(make_run, name, old, new, message):
    path = make_run() / name
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UsageError, match=f"summary.json: {message}; {MEND}"):
        read_summary(path.parent)


def test_a_record_of_an_earlier_version_is_refused_with_words_of_its_own(make_run):
    path = make_run() / "summary.json"
    path.write_text(path.read_text().replace('"seal"', '"sea1"'))
    message = (
        "summary.json: it has no seal: it was written by an earlier version of radexp, or is "
        "damaged; allowed is the record that radexp wrote; keep the folder and set output=FOLDER, "
        "or delete it to run anew$"
    )
    with pytest.raises(UsageError, match=message):
        read_summary(path.parent)


def test_an_unknown_status_is_refused(make_run):
    folder = make_run()
    edit_summary(folder, status="great")
    with pytest.raises(UsageError, match=r"summary.json: status=great; allowed is completed, div"):
        read_summary(folder)


def test_what_is_no_object_is_refused(tmp_path):
    (tmp_path / "summary.json").write_text("[]")
    with pytest.raises(UsageError, match=r"summary.json: not an object; allowed is the summary th"):
        read_summary(tmp_path)
