"""Whether a conversation shows the hard behaviour of its blueprint (ours): read off its messages, never an opinion.

The end state is the state check's business; this is about how it was reached. `kind` of a failed verdict says what is
missing, and with that who is to blame: the user did not play its part, or the agent did not do its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .checks import made
from .domain import Domain
from .facts import fold, tells
from .gates.kind import marks, same
from .records import Action, Blueprint, Message, Verdict
from .world import UNAVAILABLE

DECLINES = re.compile(
    r"\b(can(no|')?t|can not|could not|couldn't|unable|not able|(not|no longer) (possible|allowed|permitted|eligible)"
    r"|impossible|isn't (allowed|possible)|(do|does) not allow|(doesn't|don't) allow|ineligible|sorry|must decline"
    r"|have no (way|tool)|(do|does) not have (a|the) (way|tool)|don't have (a|the) (way|tool)|won't be able)\b"
)
USERS_PART = ("told unasked", "wish not voiced", "change not voiced")  # failures that are the simulated user's
WORLDS_PART = ("error not met",)  # what neither of them could help


def shows(blueprint: Blueprint, messages: Sequence[Message], domain: Domain) -> Verdict | None:
    """The verdict on the behaviour that the blueprint's kind names; None for a plain one."""
    if blueprint.kind == "plain":
        return None
    writes = frozenset(name for name, tool in domain.tools.items() if tool.writes)
    kind, reason = {
        "missing detail": _asks,
        "forbidden": _declines,
        "missing tool": _declines,
        "change of mind": _follows,
        "tool error": _recovers,
        "no tool": _calls_nothing,
        "parallel calls": _calls_together,
    }[blueprint.kind](blueprint, messages, domain, writes)
    return Verdict(gate="behaviour", passed=not kind, kind=kind, reason=reason)


Told = tuple[str, str]
HOLDS: Told = ("", "")


def _asks(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """Each withheld detail is told by the user only after the agent, having heard the wish, asked something."""
    for detail in blueprint.withheld:
        told = first(messages, "user", detail)
        if told is None:
            return "not asked", f"the user was never brought to tell {detail!r}"
        heard = next(turn for turn, message in enumerate(messages) if message.role == "user")
        if not any("?" in m.content for m in messages[heard:told] if m.role == "assistant"):
            return "told unasked", f"the user told {detail!r} in message {told} before being asked"
    return HOLDS


def _declines(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """Each denied wish was voiced, was not granted, and the agent declined it in words or handed over."""
    done = made(messages, writes)
    for wish in blueprint.denied:
        if any(same(wish, Action(name=c.name, arguments=c.arguments or {})) for _, c in done):
            return "denied wish granted", f"{wish} was carried out"
        turn = voiced(wish, blueprint, messages)
        if turn is None:
            return "wish not voiced", f"the user never voiced the wish for {wish}"
        if not any(_declined(message, domain) for message in messages[turn + 1 :]):
            return "not declined", f"the agent neither declined {wish} nor handed over"
    return HOLDS


def _declined(message: Message, domain: Domain) -> bool:
    if message.role != "assistant":
        return False
    hands_over = any(call.name in domain.tools and domain.tools[call.name].ends for call in message.tool_calls)
    return hands_over or bool(DECLINES.search(message.content.casefold().replace("’", "'")))


def _follows(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """The dropped wish was voiced, the agent answered, and then the user said something new before the first write."""
    done = made(messages, writes)
    for wish in blueprint.denied:
        if any(same(wish, Action(name=c.name, arguments=c.arguments or {})) for _, c in done):
            return "denied wish granted", f"the dropped wish {wish} was carried out"
        turn = voiced(wish, blueprint, messages)
        if turn is None:
            return "wish not voiced", f"the user never voiced the wish for {wish}"
        replaced = next((n for n, call in done if n > turn), len(messages))
        between = [message.role for message in messages[turn + 1 : replaced]]
        if "user" not in between:
            return "change not voiced", f"the user did not come back on the wish for {wish} before the next write"
    return HOLDS


def _recovers(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """A call failed as unavailable and the same tool succeeded later."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    failed = next((n for n, m in enumerate(messages) if m.error and UNAVAILABLE in m.content), None)
    if failed is None:
        return "error not met", "the tool that fails once was never called"
    name = names.get(messages[failed].tool_call_id)
    if not any(m.role == "tool" and not m.error and names.get(m.tool_call_id) == name for m in messages[failed:]):
        return "not tried again", f"{name} was not called with success after it had failed"
    return HOLDS


def _calls_nothing(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """No tool was called."""
    calls = [call.name for message in messages for call in message.tool_calls]
    return ("tool called", f"no tool was needed, called: {', '.join(calls[:5])}") if calls else HOLDS


def _calls_together(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """One message made at least two writes that succeeded."""
    turns = [turn for turn, _ in made(messages, writes)]
    if len(turns) == len(set(turns)):
        return "one call at a time", "no message made two writes together"
    return HOLDS


def voiced(wish: Action, blueprint: Blueprint, messages: Sequence[Message]) -> int | None:
    """The index of the user's message that first tells a value by which a denied wish is recognised."""
    for turn, message in enumerate(messages):
        if message.role == "user" and marks(wish, blueprint, fold(message.content)):
            return turn
    return None


def first(messages: Sequence[Message], role: str, text: str) -> int | None:
    """The index of the first message of a role that tells a text."""
    return next((n for n, m in enumerate(messages) if m.role == role and tells(m.content, text)), None)
