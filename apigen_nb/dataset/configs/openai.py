"""The OpenAI chat format: arguments are JSON text, and replies that no loss belongs on have the `weight` 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..columns import to_json
from ..rows import RowMessage, TaskRows


def openai_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """`messages` and `tools` of each verified conversation."""
    for row in rows.verified:
        yield row.about | {"messages": [_message(message) for message in row.messages], "tools": list(row.tools)}


def _message(message: RowMessage) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": to_json(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        found["tool_call_id"] = message.tool_call_id
    return found | ({"weight": int(message.train)} if message.role == "assistant" else {})
