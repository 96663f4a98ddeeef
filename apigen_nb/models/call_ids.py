"""Ids of tool calls: the model's own where they can be told apart, else made from the call's number."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Message, ToolCall

LONGEST = 200  # characters; a longer id is none


def call_id(number: int) -> str:
    """The id of the call with this number in its conversation, from 1: nine letters and digits, as every chat template
    takes them (Mistral's takes nothing else)."""
    return f"call{number:05d}"


def with_ids(calls: Sequence[ToolCall], earlier: Sequence[Message] = ()) -> tuple[ToolCall, ...]:
    """These calls, which follow those of the `earlier` messages, each under an id of its own: the one it has, unless it
    is empty or in use, then one made from its number."""
    if not calls:
        return ()
    used = [call.id for message in earlier for call in message.tool_calls]
    taken, named = set(used), list[ToolCall]()
    for number, call in enumerate(calls, len(used) + 1):
        id = call.id if len(call.id) <= LONGEST else ""
        while not id or id in taken:
            id, number = call_id(number), number + 1
        taken.add(id)
        named.append(call if id == call.id else call.model_copy(update={"id": id}))
    return tuple(named)
