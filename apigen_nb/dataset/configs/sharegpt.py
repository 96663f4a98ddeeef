"""ShareGPT as APIGen-MT-5k uses it: turns of human or observation, and of gpt or function_call, in turn; tools as JSON
text. Known defects of the released rows are not repeated: arguments are always objects, no row ends on an observation.

Of several calls in one message each has its observation after it, in the order they ran. A text beside a call stands
before it, in the form that LLaMA-Factory reads from 0.9.4 on: text, then the call in <tool_call> marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..columns import to_json
from ..rows import Row, TaskRows


def sharegpt_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """`conversations`, `tools` and `system` of each verified conversation."""
    for row in rows.verified:
        functions = [schema["function"] for schema in row.tools]
        turns = [{"from": speaker, "value": value} for speaker, value in _turns(row)]
        yield row.about | {"conversations": turns, "tools": to_json(functions), "system": row.messages[0].content}


def _turns(row: Row) -> Iterator[tuple[str, str]]:
    results = {message.tool_call_id: message.content for message in row.messages if message.role == "tool"}
    for message in row.messages[1:]:
        if message.role == "user":
            yield "human", message.content
        elif message.role == "assistant" and not message.tool_calls:
            yield "gpt", message.content
        text = message.content
        for call in message.tool_calls:
            value = to_json({"name": call.name, "arguments": call.arguments})
            yield "function_call", f"{text}\n<tool_call>\n{value}\n</tool_call>" if text else value
            yield "observation", results[call.id]
            text = ""
