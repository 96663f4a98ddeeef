"""Single-turn, as APIGen's xLAM-60k (arXiv 2406.18518): a query, tools, and the calls that answer it, all three as that
dataset has them. Of a conversation, that is the user's first message, where the agent answers it with calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..columns import to_json
from ..rows import TaskRows


def xlam_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """`query`, and as JSON text `tools` ({name, description, parameters: {name: {type, description}}}) and `answers`
    ({name, arguments})."""
    for row in rows.verified:
        query, reply = row.messages[1:3]
        if reply.train and reply.tool_calls:
            answers = [{"name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
            tools = [_tool(schema["function"]) for schema in row.tools]
            yield row.about | {"query": query.content, "tools": to_json(tools), "answers": to_json(answers)}


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    parameters = function["parameters"]
    required = parameters.get("required", ())
    described = {
        name: {
            "type": str(schema.get("type", "any")) + ("" if name in required else ", optional"),
            "description": schema.get("description", ""),
        }
        for name, schema in parameters.get("properties", {}).items()
    }
    return {"name": function["name"], "description": function.get("description", ""), "parameters": described}
