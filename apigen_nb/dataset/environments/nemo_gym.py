"""Rows of NeMo Gym, after `BaseRunRequest` of nemo-gym 0.7: a request of OpenAI's Responses API, and beside it what a
resources server verifies with, in `task_data`. Which agent plays a row (`agent_ref`) NeMo Gym adds by itself.

A row begins with what the user said first in a conversation that was verified. Who plays the user from then on, and the
server that rewards (`play.Task` does both), are not part of a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...storage.jsonl import write_whole
from ..columns import to_json
from .tasks import Row, Source

SHOWN = ("id", "system", "tools")  # what stands in the row elsewhere


def write_nemo_gym(folder: Path, source: Source) -> str:
    """Write a file of rows for each split; what was written, in words."""
    for split in source.counts:
        openings = source.openings(split)
        rows = (_row(row, openings[row["task_id"]]) for row in source.rows(split))
        write_whole(folder / f"{split}.jsonl", map(to_json, rows))
    return f"{source.count} rows of NeMo Gym; they name no agent server, `ng_prepare_data` adds yours"


def _row(row: Row, opening: str) -> dict[str, Any]:
    tools = [_function(schema["function"]) for schema in json.loads(row["tools"])]
    return {
        "id": row["id"],
        "responses_create_params": {
            "input": [{"role": "system", "content": row["system"]}, {"role": "user", "content": opening}],
            "tools": tools,
            "parallel_tool_calls": row["kind"] == "parallel calls",
        },
        "task_data": {name: value for name, value in row.items() if name not in SHOWN},
    }


def _function(function: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as the Responses API has it: flat, and not strict, which would forbid arguments that may be left out."""
    told = {name: function[name] for name in ("name", "description", "parameters")}
    return {"type": "function", **told, "strict": False}
