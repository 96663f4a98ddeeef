"""Cases: conversations written down by hand, each with its task, and what the checks make of them (ours).

A case is one JSON line: `{"id", "domain", "blueprint", "turns": [{"role", "content", "calls"}], "expect", "why"}`.
Results of calls are not part of it: the calls are executed in a fresh world, as in a conversation that is held.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from ..blueprints.gates.execution import execute
from ..models import Model, NoAnswer
from ..records import Blueprint, Change, Message, Reading, Record, ToolCall, Verdict
from ..world.domain import Domain
from .dialogue import Dialogue
from .meaning import Claim, Meanings
from .replay import ending, replay
from .reward import assess, check_all

Outcome = Literal["held", "fell", "undecided"]
CHECKS = ("state", "outputs", "behaviour", "conduct")


class CaseCall(Record):
    """A call of the agent as it is written down. `arguments` is None where `raw`, what came, is not a JSON object."""

    name: str
    arguments: dict[str, Any] | None = {}
    raw: str = ""


class Turn(Record):
    """What the user or the agent said, and the agent's calls in the order in which they are made."""

    role: Literal["user", "assistant"]
    content: str = ""
    calls: tuple[CaseCall, ...] = ()

    @model_validator(mode="after")
    def _only_the_agent_calls(self) -> Turn:
        if self.calls and self.role == "user":
            raise ValueError("a user calls no tools; calls belong to turns of the assistant")
        return self


class Case(Record):
    """A conversation and the task that it is about. `expect` (check → outcome) and `why` are for people and tests: no
    verdict looks at them, nor at fields that are not named here."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1)
    domain: str
    blueprint: Blueprint
    turns: tuple[Turn, ...] = Field(min_length=1)
    expect: dict[str, Outcome] = {}
    why: str = ""

    @field_validator("expect", mode="before")
    @classmethod
    def _said_as_yes_or_no(cls, value: Any) -> Any:
        named = {True: "held", False: "fell"}
        items = value.items() if isinstance(value, dict) else ()
        return {check: named.get(o, o) if isinstance(o, bool) else o for check, o in items} if items else value


class RecordedReading(Reading):
    """A reading that was written down, by hand or by a run; `claim` may be left out: it then answers the question of
    its id in its words, whatever else was shown."""

    claim: str = ""


class CaseVerdict(Record):
    """What the checks say of a case, and per check that did not hold its reason; "ended" has one where the conversation
    ended neither with the user's stop nor by a hand-over. `unanswered` is why judges were not heard, "" where they
    were or none was asked."""

    id: str
    state: Outcome
    outputs: Outcome
    behaviour: Outcome
    conduct: Outcome
    reasons: dict[str, str] = {}
    unanswered: str = ""

    def line(self) -> str:
        """One line of JSON; `unanswered` stands in it only where it says something."""
        shown = self.model_dump(exclude=set() if self.unanswered else {"unanswered"})
        return json.dumps(shown, ensure_ascii=True, separators=(", ", ": "))


async def judge_case(
    case: Case, domain: Domain, judges: Sequence[Model] = (), readings: Iterable[Reading] = ()
) -> CaseVerdict:
    """Replay a case and give the outcome of each check; judges read what evidence leaves open, in each check whatever
    the others say. Without judges, what recorded readings do not tell is undecided. A check that does not apply holds.
    ValueError where the groundtruth cannot be carried out, ToolBug where a tool breaks."""
    _check_groundtruth(case.blueprint, domain)
    held, unanswered = _held(case, domain), ""
    verdicts, _ = _by_record(held, readings)
    try:
        if judges:
            verdicts, _ = await assess(*held, judges, name=case.id, thorough=True)
    except NoAnswer as error:
        unanswered = str(error) or "a judge gave no answer"
    return _told(case.id, verdicts, unanswered)


def open_claims(case: Case, domain: Domain, readings: Iterable[Reading] = ()) -> list[Claim]:
    """The questions of meaning about a case that these readings do not answer."""
    return _by_record(_held(case, domain), readings)[1]


def _held(case: Case, domain: Domain) -> tuple[Dialogue, tuple[Change, ...], Verdict]:
    """A case as it went, the delta that it leaves, and how it ended."""
    world, messages = replay(case.blueprint, domain, said_in(case))
    dialogue = Dialogue(case.blueprint, messages, domain)
    return dialogue, world.delta(), ending(dialogue)


def _by_record(
    held: tuple[Dialogue, tuple[Change, ...], Verdict], readings: Iterable[Reading]
) -> tuple[tuple[Verdict, ...], list[Claim]]:
    """What the checks come to with recorded readings, and the questions that stay open."""
    recorded, meanings = {reading.id: reading for reading in readings}, Meanings(held[0].messages)
    while True:
        verdicts, asked = check_all(*held, meanings), list(meanings.open.values())
        read = {c.id: r.model_copy(update={"claim": c.digest}) for c in asked if (r := _answering(recorded, c))}
        if not read.keys() - meanings.readings.keys():
            return verdicts, asked
        meanings.readings |= read
        meanings.open.clear()


def _answering(recorded: Mapping[str, Reading], claim: Claim) -> Reading | None:
    """The reading that answers a question: in the same words and, where it says what was asked, that."""
    reading = recorded.get(claim.id)
    same = reading is not None and reading.question == claim.question and reading.claim in ("", claim.digest)
    return reading if same else None


def said_in(case: Case) -> tuple[Message, ...]:
    """The messages of a case, without the results of its calls."""
    return tuple(
        Message(
            role=turn.role,
            content=turn.content,
            tool_calls=tuple(ToolCall(id="", name=c.name, arguments=c.arguments, raw=c.raw) for c in turn.calls),
        )
        for turn in case.turns
    )


def _check_groundtruth(blueprint: Blueprint, domain: Domain) -> None:
    if blueprint.user not in domain.tables[domain.users]:
        raise ValueError(f"blueprint.user: found {blueprint.user!r}, expected an id of the table {domain.users}")
    unknown = [a.name for a in (*blueprint.actions, *blueprint.denied) if a.name not in domain.tools]
    if unknown:
        tools = ", ".join(domain.tools)
        raise ValueError(f"blueprint: found the tool {unknown[0]!r}, expected one of {domain.name}'s: {tools}")
    if refused := execute(blueprint, domain).refused:
        number, action, refusal = refused
        raise ValueError(f"blueprint.actions: expected calls that can be made, number {number}, {action}: {refusal}")


def _told(id: str, verdicts: Sequence[Verdict], unanswered: str) -> CaseVerdict:
    found = {verdict.gate: verdict for verdict in verdicts}
    outcomes = {check: found[check].outcome if check in found else "held" for check in CHECKS}
    told = {"id": id, **outcomes, "reasons": dict(_reasons(verdicts)), "unanswered": unanswered}
    return CaseVerdict.model_validate(told)


def _reasons(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
    for verdict in verdicts:
        if not verdict.passed:
            yield verdict.gate, verdict.reason or verdict.kind
