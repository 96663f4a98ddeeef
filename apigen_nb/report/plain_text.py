"""HTML of ours as plain text, for whoever shows notebooks without it: terminals, LaTeX, diffs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_LINES = {"div", "p", "tr", "li", "h1", "h2", "h3", "h4", "section", "details", "summary", "table", "pre", "ul", "br"}
_CELLS = {"td", "th"}
_SILENT = {"style", "script"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        self.parts += ["\n"] * (tag in _LINES)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT
        self.parts += [" | "] * (tag in _CELLS) + ["\n"] * (tag in _LINES)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def in_words(html: str) -> str:
    """What is to be read in a piece of HTML, a line a block or a row; cells are parted by "|"."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (line.strip().removesuffix("|").strip() for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)
