"""What a page and a Markdown text may hold, whatever the records say."""

from __future__ import annotations

import re
from html.parser import HTMLParser

LINK = re.compile(r"\]\(<[^<>\n]*>\)")
LINKED = re.compile(r"#[\w-]+|[\w./%~-]+")
CODE = re.compile(r"`[^`\n]*`")
NO_CODE = frozenset(
    [
        "script",
        "iframe",
        "object",
        "embed",
        "svg",
        "base",
        "form",
        "input",
        "button",
        "link",
        "audio",
        "video",
    ]
)


class _Tags(HTMLParser):
    """Refuses tags, attributes and addresses that could do anything."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check one tag."""
        assert tag not in NO_CODE, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name == "href":
                # A place in the page, or a path to records, all of whose signs are quoted.
                assert LINKED.fullmatch(value or ""), value
            if name == "src":
                assert (value or "").startswith("data:image/png;base64,"), value

    def handle_comment(self, data: str) -> None:
        """Refuse comments: the page has none."""
        raise AssertionError(data)


def check_page(html: str) -> None:
    """Check that a page runs nothing and leads nowhere."""
    assert html.count("<style>") == html.count("</style>") == 1
    assert html.count("<body>") == html.count("</body>") == 1
    _Tags().feed(html)


def check_markdown(text: str) -> None:
    """Check that Markdown has no HTML, and no line that a terminal would obey."""
    plain = CODE.sub("", LINK.sub("", text))
    assert "<" not in plain, plain[plain.index("<") - 80 :][:160]
    assert all(line.isprintable() for line in text.split("\n"))
