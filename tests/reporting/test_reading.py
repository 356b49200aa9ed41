"""Damaged and hostile files: one clear line that names the file, whatever is in it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radexp.errors import UsageError
from radexp.reporting.reading import (
    as_integer,
    as_number,
    one_line,
    read_json,
    read_table,
    read_text,
    read_yaml,
)

NESTED = "[" * 3_000


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(read, path, match):
    with pytest.raises(UsageError, match=match) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message


@given(st.text())
def test_one_line_is_printable_and_stable(text):
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 500
    assert one_line(line) == line


def test_long_texts_are_cut():
    assert one_line("x" * 10_000) == "x" * 499 + "…"


def test_a_missing_file_a_folder_and_wrong_bytes(tmp_path, file):
    refused(read_text, tmp_path / "none", "not a file")
    refused(read_text, tmp_path, "not a file")
    refused(read_text, file(b"\xff\xfe\x00"), "unreadable .*allowed is UTF-8 text")


def test_a_file_too_large(file):
    refused(lambda path: read_text(path, 3), file("four"), "too large; allowed is at most 3 bytes")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: [1", "not YAML"),
        ("- 1", "not a mapping"),
        (NESTED, "not YAML"),
        ("a: &x [1]\nb: *x", "a YAML alias"),
        ("a: !!python/object/apply:os.system [echo]", "not YAML"),
        ("a: ${", "not YAML"),
        ("a: 1\na: 2", "not YAML"),
    ],
)
def test_damaged_yaml(file, text, match):
    refused(read_yaml, file(text), match)


def test_interpolations_are_not_evaluated(file):
    assert read_yaml(file("a: ${oc.env:HOME}\nb: 1e-3")) == {"a": "${oc.env:HOME}", "b": 1e-3}


@pytest.mark.parametrize("text", ["", "{", NESTED, '{"a": ' + "9" * 5000 + "}"])
def test_damaged_json(file, text):
    refused(read_json, file(text), "not JSON")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "ends in the middle of a line"),
        ("a,b\n1,2", "ends in the middle of a line"),
        ("\n", "columns ; allowed is"),
        ("a,c\n1,2\n", "columns a,c; allowed is the columns a,b"),
        ("a,b\n1\n", "1 cells in row 1"),
        ("a,b\n1,2\n1,2,3\n", "3 cells in row 2"),
        ('a,b\n"1,2\n', "not CSV"),
    ],
)
def test_damaged_tables(file, text, match):
    refused(lambda path: read_table(path, ("a", "b")), file(text), match)


def test_an_unfinished_line_may_be_left_out(file):
    frame = read_table(file("a,b\n1,\n3,4"), ("a", "b"), whole=False)
    assert frame.to_dict("list") == {"a": ["1"], "b": [""]}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(file, content):
    path, messages = file(content), []
    for read in (read_yaml, read_json, lambda p: read_table(p, ("a",))):
        try:
            read(path)
        except UsageError as error:
            messages.append(str(error))
    assert all(message.startswith(str(path)) for message in messages)


@pytest.mark.parametrize("value", [True, [], {}, "x", "", "1,5"])
def test_what_is_no_number(tmp_path, value):
    refused(lambda path: as_number(value, path, "loss"), tmp_path / "f", "loss=.*allowed is a num")


@pytest.mark.parametrize("value", [True, None, -1, 1.5, "x", 2**63, "1" * 9999])
def test_what_is_no_whole_number(tmp_path, value):
    refused(lambda path: as_integer(value, path, "seed"), tmp_path / "f", "seed=.*whole number")


@given(st.floats(allow_nan=False))
def test_numbers_come_back_exactly(number):
    assert as_number(repr(number), None, "x") == number
