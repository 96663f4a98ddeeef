"""The reward of a conversation as tau-bench defines it, state check and output check; and where it first went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Action, Blueprint, Change, Divergence, Message, ToolCall, Verdict, canonical
from ..world.values import mentions
from ..world.world import digest


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
    missing = [output for output in outputs if not any(mentions(text, output) for text in said)]
    reason = (
        f"told {len(outputs) - len(missing)} of {len(outputs)}; not told: {', '.join(map(repr, missing))}"
        if missing
        else ""
    )
    return Verdict(gate="outputs", passed=not missing, kind="output not told" if missing else "", reason=reason)


def divergence(
    blueprint: Blueprint, messages: Sequence[Message], writes: frozenset[str], reached: bool
) -> Divergence | None:
    """Where a conversation first left its groundtruth, or None. `writes` are the names of the writing tools, `reached`
    is the state check; where it passed, only the outputs can be missing. Refused calls do not count."""
    return (None if reached else _of_state(blueprint, messages, writes)) or _of_outputs(blueprint, messages)


def _of_outputs(blueprint: Blueprint, messages: Sequence[Message]) -> Divergence | None:
    told = all_told(blueprint.outputs, messages)
    return None if told.passed else Divergence(turn=_last(messages), kind="output not told", expected=told.reason)


def _last(messages: Sequence[Message]) -> int:
    return max(len(messages) - 1, 0)


def _of_state(blueprint: Blueprint, messages: Sequence[Message], writes: frozenset[str]) -> Divergence:
    """The first write that the groundtruth does not have, else one that is missing, else their order."""
    left = list(blueprint.actions)
    for turn, call in made(messages, writes):
        action = _action(call)
        match = next((a for a in left if _same(a, action)), None)
        if match is not None:
            left.remove(match)
            continue
        other = next((a for a in left if a.name == call.name), None)
        if other is not None:
            return Divergence(turn=turn, kind="different arguments", expected=str(other), found=str(action))
        return Divergence(turn=turn, kind="extra write", found=str(action))
    if left:
        return Divergence(turn=_last(messages), kind="missing write", expected=str(left[0]))
    pairs = zip(blueprint.actions, made(messages, writes), strict=True)
    turn, expected, found = next((turn, a, call) for a, (turn, call) in pairs if not _same(a, _action(call)))
    return Divergence(turn=turn, kind="different order", expected=str(expected), found=str(_action(found)))


def made(messages: Sequence[Message], writes: frozenset[str]) -> list[tuple[int, ToolCall]]:
    """The writing calls that were carried out, with the index of the message that made each."""
    done = {message.tool_call_id for message in messages if message.role == "tool" and not message.error}
    return [
        (turn, call)
        for turn, message in enumerate(messages)
        for call in message.tool_calls
        if call.name in writes and call.id in done and call.arguments is not None
    ]


def _action(call: ToolCall) -> Action:
    return Action(name=call.name, arguments=call.arguments or {})


def _same(one: Action, other: Action) -> bool:
    return one.name == other.name and canonical(one.arguments) == canonical(other.arguments)
