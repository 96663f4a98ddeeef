"""The reward of a conversation as tau-bench defines it, state check and output check; and where it first went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from .facts import tells
from .records import Action, Blueprint, Change, Divergence, Message, ToolCall, Verdict, canonical
from .world import digest


def same_state(expected: tuple[Change, ...], reached: tuple[Change, ...]) -> Verdict:
    """State check: the end state equals the state after the groundtruth actions on a fresh world."""
    if digest(expected) == digest(reached):
        return Verdict(gate="state", passed=True)
    want, have = ({(c.table, c.id): canonical(c.after) for c in delta} for delta in (expected, reached))
    rows = sorted(row for row in want.keys() | have.keys() if want.get(row) != have.get(row))
    named = ", ".join(f"{table}/{key}" for table, key in rows[:6])
    return Verdict(gate="state", passed=False, kind="state differs", reason=f"{len(rows)} rows differ: {named}")


def all_told(outputs: Sequence[str], messages: Sequence[Message]) -> Verdict:
    """Output check: every expected output appears in some message of the agent."""
    said = [message.content for message in messages if message.role == "assistant"]
    missing = [output for output in outputs if not any(tells(text, output) for text in said)]
    reason = (
        f"told {len(outputs) - len(missing)} of {len(outputs)}; not told: {', '.join(map(repr, missing))}"
        if missing
        else ""
    )
    return Verdict(gate="outputs", passed=not missing, kind="output not told" if missing else "", reason=reason)


def divergence(blueprint: Blueprint, messages: Sequence[Message], writes: frozenset[str]) -> Divergence | None:
    """Where a conversation first left its groundtruth, or None. `writes` are the names of the writing tools; refused
    calls and the order of calls do not count."""
    left = list(blueprint.actions)
    for turn, call in made(messages, writes):
        action = Action(name=call.name, arguments=call.arguments or {})
        match = next((a for a in left if _same(a, action)), None)
        if match is not None:
            left.remove(match)
            continue
        other = next((a for a in left if a.name == call.name), None)
        if other is not None:
            return Divergence(turn=turn, kind="different arguments", expected=str(other), found=str(action))
        return Divergence(turn=turn, kind="extra write", found=str(action))
    last = max(len(messages) - 1, 0)
    if left:
        return Divergence(turn=last, kind="missing write", expected=str(left[0]))
    verdict = all_told(blueprint.outputs, messages)
    if not verdict.passed:
        return Divergence(turn=last, kind="output not told", expected=verdict.reason)
    return None


def made(messages: Sequence[Message], writes: frozenset[str]) -> list[tuple[int, ToolCall]]:
    """The writing calls that were carried out, with the index of the message that made each."""
    refused = {message.tool_call_id for message in messages if message.role == "tool" and message.error}
    return [
        (turn, call)
        for turn, message in enumerate(messages)
        for call in message.tool_calls
        if call.name in writes and call.id not in refused and call.arguments is not None
    ]


def _same(one: Action, other: Action) -> bool:
    return one.name == other.name and canonical(one.arguments) == canonical(other.arguments)
