"""A verified conversation against a failed one about the same task: what both have said alike is the prompt, and from
the first reply in which they differ, one is chosen and the other rejected. Where the user said something else first,
nothing tells which reply was better, and there is no pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import Row, TaskRows
from .messages import as_objects


def preference_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """For each failed conversation the verified one that goes the longest way with it: `prompt`, `chosen`, `rejected`,
    `cause` (which check fell, and whom blame found) and `tools`."""
    for failed in rows.failed:
        pairs = [(_parting(row, failed), row) for row in rows.verified]
        shared, row = max(pairs, key=lambda pair: pair[0], default=(0, None))
        if row is None or not shared:
            continue
        chosen, rejected = as_objects(row.messages), as_objects(failed.messages)
        yield row.about | {
            "id": f"{row.id}/{failed.id}",
            "prompt": chosen[:shared],
            "chosen": chosen[shared:],
            "rejected": rejected[shared:],
            "cause": failed.cause,
            "tools": list(row.tools),
        }


def _parting(row: Row, other: Row) -> int:
    """The index of the first message in which two conversations differ, where it is the agent's in both; else 0."""
    pairs = zip(row.messages, other.messages, strict=False)
    alike = {"train": False}
    differ = (n for n, (a, b) in enumerate(pairs) if a.model_copy(update=alike) != b.model_copy(update=alike))
    first = next(differ, 0)
    return first if row.messages[first].role == other.messages[first].role == "assistant" else 0
