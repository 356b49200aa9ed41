"""A little Markdown as HTML, escaped first."""

import doctest

import pytest

from radexp.reporting import claim_rows, environments, prose
from radexp.reporting.prose import prose_html

CASES = {
    "": "",
    "one\ntwo\n\nthree": "<p>one two</p><p>three</p>",
    "- a\n  b\n\n- c": "<ul><li>a b</li><li>c</li></ul>",
    "words\n* item\n\nwords": "<p>words</p>\n<ul><li>item</li></ul>\n<p>words</p>",
    "**<b>** `<i>`": "<p><b>&lt;b&gt;</b> <code>&lt;i&gt;</code></p>",
    "** a `b": "<p>** a `b</p>",
}


@pytest.mark.parametrize(("text", "html"), CASES.items())
def test_text_becomes(text, html):
    assert prose_html(text) == html


@pytest.mark.parametrize("module", [prose, claim_rows, environments])
def test_documented_examples_run(module):
    assert doctest.testmod(module).failed == 0
