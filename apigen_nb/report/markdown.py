"""Markdown that somebody else wrote, such as a domain's policy, as HTML that neither runs, loads nor leads anywhere."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from ..storage.safe_text import clean
from .pieces import Piece

DEEPEST = 6


def prose(text: str, fold: str = "", below: int = 3) -> Piece:
    """Markdown with its headings `below` that level, raw HTML as text, links and pictures as their words. With `fold`
    only this text shows at first."""
    import mistune  # nbconvert's own, 0.1 s

    class Quiet(mistune.HTMLRenderer):
        def heading(self, text: str, level: int, **_: Any) -> str:
            level = min(DEEPEST, level + below)
            return f"<h{level}>{text}</h{level}>\n"

        def link(self, text: str, url: str, title: str | None = None) -> str:
            return text

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return str(escape(text))

    drawn = Markup(mistune.create_markdown(renderer=Quiet(escape=True), plugins=["table"])(clean(text)))
    head = Markup('<details class="fold"><summary>{}</summary>{}</details>').format(fold, drawn) if fold else drawn
    return Piece(Markup('<div class="apigen prose mathjax_ignore tex2jax_ignore">{}</div>').format(head))
