"""What checks found, and what judges made of questions of meaning, where it stands in a conversation. Plain values
without any markup; `pieces` draws them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ..records import STOP, Finding, Opinion, Reading, Trajectory
from ..storage.safe_text import clean, truncate_with_note
from ..trajectories.meaning import UNCLEAR

WEIGHTY = ("fell", "undecided")
ORDER = (*WEIGHTY, "not asked", "noted")
LONGEST_QUOTE = 500  # characters of a quotation that are looked for in its message
MOST_QUOTES = 12  # of one message
ENDS = "(the user ends the conversation)"
MOST_READINGS = 3  # at a message; all of them stand in the list above


@dataclass(frozen=True)
class Mark:
    """A finding with the name of its check, its number in the list, and the readings that it is about."""

    check: str
    number: int
    finding: Finding
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Marked:
    """A trajectory's marks and, message by message, the opinions that quote it."""

    all: list[Mark]
    opinions: Mapping[int, Sequence[Opinion]]
    messages: int

    @property
    def weighty(self) -> list[Mark]:
        """What fell or is undecided."""
        return [mark for mark in self.all if mark.finding.outcome in WEIGHTY]

    def at(self, turn: int) -> list[Mark]:
        """The marks of a message."""
        return [mark for mark in self.all if mark.finding.turn == turn]

    @property
    def loose(self) -> list[Mark]:
        """The marks that belong to no message."""
        return [mark for mark in self.all if not 0 <= mark.finding.turn < self.messages]

    def parts(self, turn: int, content: str) -> list[tuple[str, bool]]:
        """A message in parts, each with whether a judge quotes it."""
        opinions = self.opinions.get(turn)
        return quoted(content, opinions) if opinions else [(content, False)]


def marked(trajectory: Trajectory) -> Marked:
    """What stands where in a trajectory."""
    opinions: dict[int, list[Opinion]] = {}
    for opinion in (opinion for reading in trajectory.readings for opinion in reading.opinions):
        if opinion.quotation:
            opinions.setdefault(opinion.turn, []).append(opinion)
    return Marked(marks(trajectory), opinions, len(trajectory.messages))


def marks(trajectory: Trajectory) -> list[Mark]:
    """What the checks found, turn by turn; of one turn what fell first, what is only noted last."""
    found = [(v.gate, finding) for v in trajectory.verdicts for finding in v.findings]
    found.sort(key=lambda pair: (pair[1].turn, ORDER.index(pair[1].outcome)))
    return [
        Mark(check, number, finding, _about(finding, trajectory.readings))
        for number, (check, finding) in enumerate(found)
    ]


def _about(finding: Finding, readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """The readings that a finding names by their question or id; else, of an open one, those without an answer in which
    somebody quotes its message, or, where nobody does, all without an answer (`MOST_READINGS` of them)."""
    if finding.outcome not in WEIGHTY:
        return ()
    said = f"{finding.text}\n{finding.found}"
    ids = (finding.rule, finding.found)
    named = tuple(r for r in readings if (r.question and r.question in said) or (r.id and r.id in ids))
    if named or finding.outcome != "undecided":
        return named
    unanswered = [r for r in readings if not answer(r)]
    here = [r for r in unanswered if any(o.turn == finding.turn for o in r.opinions)]
    return tuple((here or unanswered)[:MOST_READINGS])


def said(text: str) -> Markup:
    """What a simulated user wrote, for people: the mark by which it ends the conversation is nothing that it says."""
    ends = Markup('<i class="ends">{}</i>').format(ENDS)
    return Markup(str(escape(clean(truncate_with_note(text)))).replace(STOP, ends))


def answer(reading: Reading) -> str:
    """What so many judges answered as the reading asks for; "" when no answer has a majority."""
    given = [opinion.answer for opinion in reading.opinions if opinion.answer not in ("", UNCLEAR)]
    return next((a for a in dict.fromkeys(given) if reading.majority and given.count(a) >= reading.majority), "")


def quoted(content: str, opinions: Iterable[Opinion]) -> list[tuple[str, bool]]:
    """A message in parts, each with whether a judge quotes it; white space may differ, as it may for the judge."""
    text = clean(truncate_with_note(content))
    quotes = dict.fromkeys(clean(o.quotation[:LONGEST_QUOTE]) for o in opinions)
    spans = [span for quote in list(quotes)[:MOST_QUOTES] for span in _places(text, quote)]
    parts, at = [], 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        parts += [(text[at : max(at, start)], False), (text[max(at, start) : end], True)]
        at = end
    return [part for part in [*parts, (text[at:], False)] if part[0]]


def _places(text: str, quote: str) -> list[tuple[int, int]]:
    words = quote.split()
    found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
    return [found.span()] if found else []
