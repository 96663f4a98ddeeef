"""One example for each reply of the agent that loss belongs on: all before it is the prompt (APIGen-MT, §4: each
trajectory is split at every reply of the assistant)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import TaskRows
from .messages import as_objects


def per_reply_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """`prompt`, `completion` (one message) and `tools`; the id is that of the row and the index of its message."""
    for row in rows.verified:
        messages = as_objects(row.messages)
        for turn, message in enumerate(row.messages):
            if message.train:
                asked = {"prompt": messages[:turn], "completion": [messages[turn]]}
                yield row.about | {"id": f"{row.id}/{turn}"} | asked | {"tools": list(row.tools)}
