"""Pieces that only explorers show: a call of a tool by hand and what it changed. Everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from ...storage.safe_text import clean, truncate_with_note
from .. import alignment, pieces


def _piece(body: Markup) -> pieces.Piece:
    return pieces.Piece(Markup('<div class="apigen mathjax_ignore tex2jax_ignore">{}</div>').format(body))


def _safe(text: str) -> str:
    return truncate_with_note(clean(text))


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def call_result(title: str, body: str, held: bool) -> pieces.Piece:
    """What a call by hand gave back."""
    html = Markup('<section class="panel"><h2><span class="{}">{}</span></h2><pre class="text">{}</pre></section>')
    return _piece(html.format("held" if held else "fell", _safe(title), _safe(body)))


def delta(fields: Sequence[alignment.Field], calls: int) -> pieces.Piece:
    """What the calls so far changed in the scratch world."""
    table = pieces.environment().get_template("pieces.html.j2").module.diff_table(fields)  # type: ignore[attr-defined]
    html = Markup('<section class="panel"><h2>What has changed after {} {}</h2>{}</section>')
    return _piece(html.format(calls, "call" if calls == 1 else "calls", Markup(table)))


def tool(description: str, rules: Sequence[str]) -> pieces.Piece:
    """What a tool does, as the agent reads it, and the rules that bind it."""
    listed = _joined(Markup("<li>{}</li>").format(_safe(rule)) for rule in rules)
    fold = Markup('<details class="fold"><summary>{} {} it</summary><ul>{}</ul></details>')
    bound = fold.format(len(rules), "rule binds" if len(rules) == 1 else "rules bind", listed) if rules else Markup("")
    return _piece(Markup('<p class="text">{}</p>{}').format(_safe(description), bound))


def text(title: str, body: str) -> pieces.Piece:
    """A long text with its title."""
    html = Markup('<section class="panel"><h2>{}</h2><div class="text">{}</div></section>')
    return _piece(html.format(_safe(title), truncate_with_note(clean(body), 40_000)))
