"""Pieces that only explorers show: an attempt before and after its feedback, a call by hand. Everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from ..records import Attempt, Proposal
from ..report import align, pieces, words
from ..report.passing import nth
from ..report.text import clean, cut

_MARK = {"same": "{}", "gone": "<del>{}</del>", "new": "<mark>{}</mark>"}


def _piece(body: Markup) -> pieces.Piece:
    return pieces.Piece(Markup('<div class="apigen mathjax_ignore tex2jax_ignore">{}</div>').format(body))


def _safe(text: str) -> str:
    return cut(clean(text))


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def _side(parts: Sequence[words.Part], hidden: str) -> Markup:
    return _joined(Markup(_MARK[kind]).format(text) for kind, text in parts if kind != hidden)


def _texts(attempt: Attempt) -> dict[str, str]:
    b = attempt.blueprint
    if b is None:
        return {"Instruction": "", "Groundtruth actions": "", "Must be told": ""}
    return {
        "Instruction": b.instruction,
        "Groundtruth actions": "\n".join(map(str, b.actions)),
        "Must be told": "\n".join(b.outputs),
        "Must come to nothing": "\n".join(map(str, b.denied)),
        "Told only when asked": "\n".join(b.withheld),
    }


def _verdicts(attempt: Attempt) -> Markup:
    tags = (
        Markup('<span class="tag {}">{} {}</span> ').format(
            "held" if v.passed else "fell", "✓" if v.passed else "✗", v.gate
        )
        for v in attempt.verdicts
    )
    reasons = (
        Markup('<p class="why"><b class="fell">{}</b> <span class="text">{}</span></p>').format(v.gate, _safe(v.reason))
        for v in attempt.failures
    )
    return _joined(tags) + _joined(reasons)


def revision(proposal: Proposal, number: int) -> pieces.Piece:
    """Attempt `number` beside the one before it, word by word, and between them the feedback it was given."""
    before, after = proposal.attempts[number - 1], proposal.attempts[number]
    old, new = _texts(before), _texts(after)
    sides: list[list[Markup]] = [[], []]
    for name in dict.fromkeys([*old, *new]):
        parts = words.compare(old.get(name, ""), new.get(name, ""))
        if not parts:
            continue
        for side, hidden in zip(sides, ("new", "gone"), strict=True):
            side.append(Markup('<h4>{}</h4><p class="text">{}</p>').format(name, _side(parts, hidden)))
    panel = Markup('<section class="panel"><h3>{}</h3>{}{}</section>')
    body = Markup(
        '<section class="panel"><h3>The feedback between them</h3><p class="text given">{}</p></section>'
        '<div class="columns">{}{}</div>'
    ).format(
        _safe(after.feedback) or "none",
        panel.format(f"Before: {nth(number - 1)}", _verdicts(before), _joined(sides[0])),
        panel.format(f"After: {nth(number)}", _verdicts(after), _joined(sides[1])),
    )
    return _piece(body)


def answer(title: str, body: str, held: bool) -> pieces.Piece:
    """What a call by hand gave back."""
    html = Markup('<section class="panel"><h3><span class="{}">{}</span></h3><pre class="text">{}</pre></section>')
    return _piece(html.format("held" if held else "fell", _safe(title), _safe(body)))


def delta(fields: Sequence[align.Field], calls: int) -> pieces.Piece:
    """What the calls so far changed in the scratch world."""
    table = pieces.environment().get_template("pieces.html.j2").module.diff_table(fields)  # type: ignore[attr-defined]
    html = Markup('<section class="panel"><h3>What has changed after {} {}</h3>{}</section>')
    return _piece(html.format(calls, "call" if calls == 1 else "calls", Markup(table)))


def tool(description: str, rules: Sequence[str]) -> pieces.Piece:
    """What a tool does, as the agent reads it, and the rules that bind it."""
    listed = _joined(Markup("<li>{}</li>").format(_safe(rule)) for rule in rules)
    fold = Markup('<details class="fold"><summary>{} {} it</summary><ul>{}</ul></details>')
    bound = fold.format(len(rules), "rule binds" if len(rules) == 1 else "rules bind", listed) if rules else Markup("")
    return _piece(Markup('<p class="text">{}</p>{}').format(_safe(description), bound))


def text(title: str, body: str) -> pieces.Piece:
    """A long text with its title."""
    html = Markup('<section class="panel"><h3>{}</h3><div class="text">{}</div></section>')
    return _piece(html.format(_safe(title), cut(clean(body), 40_000)))
