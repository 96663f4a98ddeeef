"""Records as HTML pieces, the same in a notebook and on a page: key figures, a conversation, a trajectory beside its
groundtruth, a blueprint whole. Every value goes through Jinja's autoescape and `clean`; nothing is markdown."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ..records import METRICS, Action, Attempt, Blueprint, Change, Proposal, Trajectory
from ..storage.safe_text import LONGEST, clean, truncate, truncate_with_note
from . import alignment, glossary, marks, plain_text, tables, text_diff

ASSETS = Path(__file__).parent / "assets"
LONG = 60  # characters of a cell that has a line of its own in a narrow window


class Piece(str):
    """HTML that is safe to show; a notebook draws it, with its style, when it is the last value of a cell."""

    def __html__(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<Piece: {len(self):,} characters of HTML>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(plain_text.in_words(self))  # a notebook stores it beside the HTML

    def _repr_html_(self) -> str:
        style = (ASSETS / "pieces.css").read_text(encoding="utf-8")
        return f"<style>{style}</style>{unlinked(self)}"


# Texts in a piece are escaped, so that only its own links are found.
_LINK = re.compile(r'<a((?: class="[a-z ]*")?) href="\.\./report/([\w.-]+\.html#[^"]*)">(.*?)</a>', re.DOTALL)
_TERM = re.compile(r'<button type="button" class="term" popovertarget="word-([\w-]+)" title="([^"]*)">([^<]*)</button>')
_ABBR = re.compile(r'<abbr data-word="([\w-]+)" title="([^"]*)">([^<]*)</abbr>')
_UNLINKED = re.compile(r'<span((?: class="[a-z ]*")?) data-to="([\w.-]+\.html#[^"]*)">(.*?)</span>', re.DOTALL)


def unlinked(piece: str) -> str:
    """A piece for a place from which its links lead nowhere, such as a notebook; `linked` undoes it. What a word means
    shows when somebody points at it."""
    return _TERM.sub(
        r'<abbr data-word="\1" title="\2">\3</abbr>', _LINK.sub(r'<span\1 data-to="\2">\3</span>', str(piece))
    )


def linked(html: str) -> str:
    """HTML whose links to items were taken away, with links into the folder of the report, and words that open."""
    button = r'<button type="button" class="term" popovertarget="word-\1" title="\2">\3</button>'
    return _ABBR.sub(button, _UNLINKED.sub(r'<a\1 href="\2">\3</a>', html))


def _safe(value: Any) -> Any:
    return clean(truncate_with_note(value)) if isinstance(value, str) and not hasattr(value, "__html__") else value


def value(item: Any, length: int = LONGEST) -> str:
    """A JSON value as people read it in a cell: texts bare, other things as JSON, "–" where there is none."""
    if item is alignment.ABSENT:
        return "–"
    if isinstance(item, list) and not any(isinstance(part, dict | list) for part in item):
        return truncate(f"[{', '.join(map(value, item))}]", length)
    text = item if isinstance(item, str) and item else json.dumps(item, ensure_ascii=False, default=str)
    return truncate(text, length)


def breakable(text: str) -> Markup:
    """A path or a name that may be broken where its parts meet, rather than inside a word."""
    return Markup(re.sub(r"([._/])", r"\1<wbr>", str(escape(_safe(text)))))


def call(name: str, arguments: Mapping[str, Any] | None, raw: str = "") -> str:
    """A tool call on one line; arguments that are not a JSON object are shown as they came."""
    return f"{name}({raw})" if arguments is None else str(Action(name=name, arguments=dict(arguments)))


def pretty(text: str) -> str:
    """A tool's result, indented when it is JSON."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _items(argument: alignment.Argument, side: str) -> list[tuple[str, bool]]:
    """The parts of an argument's value and whether the other side has them: a list differs item by item."""
    own, other = (argument.expected, argument.made) if side == "expected" else (argument.made, argument.expected)
    if isinstance(own, list) and isinstance(other, list) and not argument.same:
        parts = [(value(item, 300), any(alignment.same(item, o) for o in other)) for item in own]
        apart = [part for item in parts for part in ((", ", True), item)][1:]
        return [("[", True), *apart, ("]", True)]
    return [(value(own, 800), argument.same)]


@functools.cache
def environment() -> Environment:
    """The templates in `assets/`, escaping by default."""
    env = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(value=value, pretty=pretty, shorten=truncate, breakable=breakable)
    env.filters.update(answer=marks.answer, said=marks.said, explained=glossary.explained, term=glossary.term)
    env.globals.update(call=call, items=_items, METRICS=METRICS, ENDED=tables.ENDED, ABSENT=alignment.ABSENT)
    env.globals.update(failure=tables.failure_kind, noted=tables.noted, answer=marks.answer)
    return env


def draw(template: str, **values: Any) -> Piece:
    """A template of `assets/` filled in; everything that is not a Piece is escaped."""
    return Piece(environment().get_template(template).render(**values))


def piece(template: str, /, **values: Any) -> Piece:
    # jinja2 types a module's macros as Any; each returns escaped Markup
    macro = getattr(environment().get_template("pieces.html.j2").module, template)
    # Jupyter typesets LaTeX in HTML outputs unless the element says no.
    return Piece(Markup('<div class="apigen mathjax_ignore tex2jax_ignore">{}</div>').format(macro(**values)))


def key_figures(figures: Mapping[str, tuple[str, str]], scripted: bool = False) -> Piece:
    """Cards of `tables.key_figures`."""
    return piece("key_figures", figures=figures, scripted=scripted)


def badge(scripted: bool = True) -> Piece:
    """The label that stands where figures of the scripted stand-in stand."""
    return piece("badge", scripted=scripted)


def table(
    frame: pd.DataFrame,
    most: int = 20,
    percent: Collection[str] = ("rate", "low", "high", "yield"),
    links: Mapping[str, str] | None = None,
    fold: str = "",
    parts: Sequence[int] = (),
    hrefs: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
) -> Piece:
    """The first `most` rows of a frame. Columns named in `percent` are shares; `links` is column → page of the item
    whose id stands in the column, by default proposals and trajectories, and `parts` which part of the item each row
    is about; `hrefs` is column → the filters of the blueprints that each row counts. With `fold` only this text shows
    at first."""
    pages = (
        {"proposal": "blueprints", "blueprint": "blueprints", "trajectory": "trajectories"} if links is None else links
    )
    numbers = {
        c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])
    }
    rows = [[(c, cell(v, percent=c in percent)) for c, v in row.items()] for row in frame.head(most).to_dict("records")]
    return piece(
        "table",
        long=LONG,
        columns=list(frame.columns),
        rows=rows,
        numbers=numbers,
        pages=pages,
        hrefs={c: [f"blueprints.html#?{urlencode(one)}" for one in filters] for c, filters in (hrefs or {}).items()},
        total=len(frame),
        fold=fold,
        parts=list(parts),
        cards=len(frame.columns) > 3 or any(len(text) > LONG for row in rows for _, text in row),
    )


def cell(item: Any, *, percent: bool = False) -> str:
    """A value as it stands in a table."""
    if isinstance(item, bool):
        return "yes" if item else "no"
    if item is None or (isinstance(item, float) and item != item):  # NaN is not itself
        return "–"
    if isinstance(item, float):
        return f"{100 * item:.1f} %" if percent else f"{item:.2g}" if 0 < abs(item) < 0.1 else f"{item + 0.0:,.2f}"
    return f"{item:,}" if isinstance(item, int) else str(item)


def conversation(trajectory: Trajectory) -> Piece:
    """Chat bubbles: the user left, the agent right, tool calls folded under one line; the first divergence and what the
    checks found are marked."""
    return piece(
        "conversation", t=trajectory, made=alignment.calls_made(trajectory.messages), marked=marks.marked(trajectory)
    )


def compare(
    trajectory: Trajectory, blueprint: Blueprint | None, expected: Iterable[Change] = (), writes: Collection[str] = ()
) -> Piece:
    """A trajectory whole: what was said, beside the groundtruth, the end state and what the user was told to want.

    `expected` is the diff of the groundtruth (of an accepted proposal: `proposal.attempts[-1].diff`); `writes` names
    the domain's writing tools, so that an extra call of one is not taken for a read."""
    made = alignment.calls_made(trajectory.messages)
    pairs, reads = alignment.align_calls(blueprint.actions if blueprint else (), made, writes)
    outputs = [(text, alignment.message_telling(trajectory, text)) for text in (blueprint.outputs if blueprint else ())]
    return piece(
        "compare",
        t=trajectory,
        made=made,
        marked=marks.marked(trajectory),
        blueprint=blueprint,
        pairs=pairs,
        reads=reads,
        fields=alignment.changed_fields(expected, trajectory.diff),
        outputs=outputs,
        state=tables.verdict_about(trajectory, "state"),
        told=tables.verdict_about(trajectory, "output"),
    )


def proposal(record: Proposal) -> Piece:
    """A blueprint whole: every attempt with its instruction, actions, outputs, diff, verdicts, votes and feedback, and
    what it changed of the one before."""
    attempts = [
        (
            attempt,
            alignment.changed_fields(attempt.diff, attempt.diff),
            changes(record.attempts[n - 1], attempt) if n else (),
        )
        for n, attempt in enumerate(record.attempts)
    ]
    return piece("proposal", p=record, attempts=attempts)


def changes(before: Attempt, after: Attempt) -> list[tuple[str, list[text_diff.Part]]]:
    """What an attempt says otherwise than the one before, word by word: instruction, actions, outputs."""
    one, other = (_said(attempt) for attempt in (before, after))
    return [(name, text_diff.compare(one[name], other[name])) for name in one]


def _said(attempt: Attempt) -> dict[str, str]:
    b = attempt.blueprint
    return {
        "Instruction": b.instruction if b else "",
        "Groundtruth actions": "\n".join(map(str, b.actions)) if b else "",
        "Must be told": "\n".join(b.outputs) if b else "",
    }


def reflection(record: Proposal, number: int) -> Piece:
    """Attempt `number` (1 is the first reflection) beside the one before: why that fell, the feedback it was given,
    what changed, and what came of it."""
    before, after = record.attempts[number - 1], record.attempts[number]
    return draw("step.html.j2", p=record, number=number, before=before, after=after, changes=changes(before, after))


def example(
    trajectories: Iterable[Trajectory], proposals: Iterable[Proposal], success: bool, writes: Collection[str] = ()
) -> Piece:
    """The first verified (or the first failed) trajectory as `compare` shows it; one that changes something, if any."""
    talks = list(trajectories)
    accepted = {p.id: p for p in proposals if p.accepted}
    shown = [t for t in talks if t.outcome == ("verified" if success else "failed")]
    if not shown:
        none = f"No conversation {'was verified' if success else 'failed'}"
        return piece("note", text=f"{none}." if talks else f"{none}: none was held.")
    found = next((t for t in shown if t.blueprint in accepted and accepted[t.blueprint].attempts[-1].diff), shown[0])
    held = accepted.get(found.blueprint)
    return compare(found, held.blueprint if held else None, held.attempts[-1].diff if held else (), writes)


def example_proposal(proposals: Iterable[Proposal], outcome: Literal["at once", "repaired", "rejected"]) -> Piece:
    """The first proposal that was accepted at once, repaired by reflection, or rejected, as `proposal` shows it; one
    that changes something, if any."""
    shown = []
    for record in proposals:
        how = "rejected" if not record.accepted else "repaired" if len(record.attempts) > 1 else "at once"
        if how == outcome:
            shown.append(record)
            if record.attempts[-1].diff:
                return proposal(record)
    if shown:
        return proposal(shown[0])
    return piece("note", text=f"No blueprint was {outcome if outcome != 'at once' else 'accepted at once'}.")
