"""Whether a conversation shows the hard behaviour of its blueprint (ours): read off its messages, never an opinion.

The end state is the state check's business; this is about how it was reached. `kind` of a failed verdict says what is
missing, and with that who is to blame: the user did not play its part, or the agent did not do its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..blueprints.gates.kind import same_call
from ..records import Action, Blueprint, Message, Verdict
from ..world.domain import Domain
from ..world.identification import identifying_tools
from ..world.values import argument_values, is_mentioned, normalize
from .dialogue import Dialogue
from .wishes import claims, refusals, replaced, voiced

USERS_PART = ("told unasked", "wish not voiced", "change not voiced")  # failures that are the simulated user's
WORLDS_PART = ("error not met",)  # what neither of them could help
Problem = tuple[str, str]  # the kind of a failure, and the reason for people


def shows_behaviour(blueprint: Blueprint, messages: Sequence[Message], domain: Domain) -> Verdict | None:
    """The verdict on the behaviour that the blueprint's kind names; None for a plain one."""
    if blueprint.kind == "plain":
        return None
    problems = {
        "missing detail": _asks,
        "forbidden": _grants_none,
        "missing tool": _grants_none,
        "change of mind": _grants_none,
        "tool error": _recovers,
        "no tool": _calls_nothing,
        "parallel calls": _calls_together,
    }[blueprint.kind](Dialogue(blueprint, messages, domain))
    kind, reason = next(problems, ("", ""))
    return Verdict(gate="behaviour", passed=not kind, kind=kind, reason=reason)


def _asks(dialogue: Dialogue) -> Iterator[Problem]:
    """Each withheld detail is told by the user only after the agent, having heard the wish, asked for something."""
    for detail in dialogue.blueprint.withheld:
        told = dialogue.first_mention(detail)
        if told is None:
            yield "not asked", f"the user was never brought to tell {detail!r}"
            continue
        before = dialogue.turns("user", end=told)
        voiced_at = next((n for n, message in before if _about_the_task(message, dialogue.blueprint, detail)), told)
        if not dialogue.asked(voiced_at, told):
            yield "told unasked", f"the user told {detail!r} in message {told} before being asked"


def _about_the_task(message: Message, blueprint: Blueprint, detail: str) -> bool:
    """Whether the user says something of what it came for: a value of an action, or a word of its instruction."""
    text, rest = normalize(message.content), normalize(blueprint.instruction).replace(normalize(detail), " ")
    known = {str(v) for _, v in argument_values(*blueprint.actions) if is_mentioned(v, rest)}
    return any(is_mentioned(value, text) for value in known) or bool(_long_words(text) & _long_words(rest))


def _long_words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{5,}", text))


def _grants_none(dialogue: Dialogue) -> Iterator[Problem]:
    """Each denied wish was voiced and not carried out; then it was declined, or dropped for another."""
    dropped = dialogue.blueprint.kind == "change of mind"
    for wish in dialogue.blueprint.denied:
        turn = voiced(wish, dialogue)
        if any(same_call(wish, call.action) for call in dialogue.writes):
            yield "denied wish granted", f"{'the dropped wish ' if dropped else ''}{wish} was carried out"
        elif turn is None:
            yield "wish not voiced", f"the user never voiced the wish for {wish}"
        elif not dropped:
            yield from _declines(wish, dialogue, turn)
        elif not replaced(wish, dialogue, turn):
            yield "change not voiced", f"after the agent had heard the wish for {wish}, the user named no other"


def _declines(wish: Action, dialogue: Dialogue, since: int) -> Iterator[Problem]:
    """The agent declined a wish in words or handed over, and did not say afterwards that it was done."""
    lies = dict(claims(wish, dialogue, since))
    refused = max(refusals(wish, dialogue, since), default=-1)
    if lies and max(lies) >= refused:
        yield "claimed as done", f"the agent said that {wish} was done, and never did it: {lies[max(lies)]}"
    elif refused < 0:
        yield "not declined", f"the agent neither declined {wish} nor handed over"


def _recovers(dialogue: Dialogue) -> Iterator[Problem]:
    """A call failed as unavailable and the same tool succeeded later."""
    calls = iter(dialogue.calls)
    failed = next((call.action.name for call in calls if call.unavailable), None)
    if failed is None:
        yield "error not met", "the tool that fails once was never called"
    elif not any(later.done and later.action.name == failed for later in calls):
        yield "not tried again", f"{failed} was not called with success after it had failed"


def _calls_nothing(dialogue: Dialogue) -> Iterator[Problem]:
    """No tool was called but those that find out who the user is."""
    needless = [c.action.name for c in dialogue.calls if c.action.name not in identifying_tools(dialogue.domain)]
    if needless:
        yield "tool called", f"no tool was needed, called: {', '.join(needless[:5])}"


def _calls_together(dialogue: Dialogue) -> Iterator[Problem]:
    """One message made at least two writes that succeeded."""
    if len(dialogue.writes) == len({call.turn for call in dialogue.writes}):
        yield "one call at a time", "no message made two writes together"
