"""Whole conversations with arguments as objects, as TRL and chat templates read them. TRL puts loss on every reply;
which of them it does not belong on, `train` says to trainers that read it (Axolotl: `message_field_training`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import TaskRows
from .messages import as_objects


def trl_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """`messages` and `tools` of each verified conversation."""
    for row in rows.verified:
        yield row.about | {"messages": as_objects(row.messages), "tools": list(row.tools)}
