"""Messages as objects of the OpenAI chat format, which all configs of conversations share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..rows import RowMessage


def as_objects(messages: Iterable[RowMessage]) -> list[dict[str, Any]]:
    """Messages as chat templates read them: arguments are objects, a result carries the name of its tool, and what a
    message has not, it has no key for. `train` says whether loss belongs on it."""
    return [_object(message) for message in messages]


def _object(message: RowMessage) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        found |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return found | {"train": message.train}
