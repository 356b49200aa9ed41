"""Environments: read from a file of one or of several, each kept once."""

import json

import pytest

from radexp.errors import UsageError
from radexp.reporting.environments import distinct, read_environments

ONE, OTHER = {"threads": 1, "packages": {"numpy": "2"}}, {"threads": 2}


@pytest.mark.parametrize(
    ("content", "environments"), [(ONE, [ONE]), ([ONE, OTHER], [ONE, OTHER]), ([], [])]
)
def test_a_file_holds_one_or_a_list(tmp_path, content, environments):
    path = tmp_path / "environment.json"
    assert read_environments(path) == []
    path.write_text(json.dumps(content))
    assert read_environments(path) == environments


@pytest.mark.parametrize("content", ["3", "[3]", "null"])
def test_anything_else_is_damaged(tmp_path, content):
    path = tmp_path / "environment.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"environment.json: not a list of objects; allowed is"):
        read_environments(path)


def test_each_is_kept_once_in_order_of_appearance():
    assert distinct(iter([OTHER, ONE, dict(OTHER), ONE])) == [OTHER, ONE]
    assert distinct([]) == []
