"""The little of Markdown that a deviations.md needs, as HTML: paragraphs, lists, bold and code."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby


def prose_html(text: str) -> str:
    r"""Return text as HTML, everything escaped first.

    A line that starts with ``- `` or ``* `` begins an item of a list, an empty line ends a
    paragraph, all other lines continue what stands above them.

    Args:
        text: Markdown or plain text.

    Example:
        >>> prose_html("- a < b,\n  **so**\n- `c`")
        '<ul><li>a &lt; b, <b>so</b></li><li><code>c</code></li></ul>'
    """
    blocks: list[tuple[str, list[str]]] = []
    fresh = True
    for line in map(str.strip, text.splitlines()):
        if line[:2] in ("- ", "* "):
            blocks.append(("li", [line[2:]]))
        elif line and (fresh or not blocks):
            blocks.append(("p", [line]))
        elif line:
            blocks[-1][1].append(line)
        fresh = not line
    parts = []
    for tag, group in groupby(blocks, key=lambda block: block[0]):
        items = "".join(f"<{tag}>{_inline(' '.join(lines))}</{tag}>" for _, lines in group)
        parts.append(f"<ul>{items}</ul>" if tag == "li" else items)
    return "\n".join(parts)


def _inline(text: str) -> str:
    """Escape one block and mark bold and code."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", marked)
