"""Links lead to files of any name."""

import os
from urllib.parse import unquote_to_bytes

import pytest

from radexp.reporting.links import link_to


@pytest.mark.parametrize(
    "name", [b"plain", b"a b", b"<b>#?%20", "\u00e9".encode(), b"not\xffutf-8"]
)
def test_a_link_is_plain_and_leads_to_the_file(tmp_path, name):
    target = tmp_path / "outputs" / os.fsdecode(name)
    link = link_to(target, tmp_path / "report")
    assert link.isascii()
    assert not set(link) & set(" <>#?'\"()")
    assert unquote_to_bytes(link) == b"../outputs/" + name
