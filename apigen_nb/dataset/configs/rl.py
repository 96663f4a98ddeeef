"""Tasks to be played, for reinforcement learning: one for each task that some conversation has proven can be done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..columns import to_json
from ..rows import Row, TaskRows


def rl_examples(rows: TaskRows) -> Iterator[dict[str, Any]]:
    """`instruction` and `persona` are for the simulated user, `system` and `tools` for the agent. As JSON text:
    `actions` (groundtruth), `denied`, `withheld`, `initial_state` (how to make the world), `end_state` (rows that
    change, before and after) and `scoring`."""
    for row in rows.verified[:1]:
        task = row.task
        yield row.about | {
            "id": row.task_id,
            "system": row.messages[0].content,
            "instruction": task.instruction,
            "persona": task.persona,
            "actions": to_json([action.model_dump() for action in task.actions]),
            "outputs": list(task.outputs),
            "denied": to_json([action.model_dump() for action in task.denied]),
            "withheld": to_json(task.withheld),
            "initial_state": to_json(_initial_state(row)),
            "end_state": to_json([change.model_dump() for change in row.delta]),
            "scoring": to_json(_scoring(row)),
            "tools": to_json(row.tools),
        }


def _initial_state(row: Row) -> dict[str, Any]:
    """What `Domain.world` is called with."""
    offered = {schema["function"]["name"] for schema in row.tools}
    removed = sorted({wish.name for wish in row.task.denied} - offered)
    failing = [action.name for action in row.task.actions[:1]] if row.task.kind == "tool error" else []
    return {"domain": row.domain, "version": row.version, "removed": removed, "failing": failing}


def _scoring(row: Row) -> dict[str, Any]:
    """The checks that all have to hold, with what each compares."""
    return {
        "ended": "the user stops, or the agent hands over",
        "state": "the end state equals end_state, up to ids that tools made up",
        "outputs": "some message of the agent tells each output",
        "behaviour": row.task.kind,
        "conduct": "no turn breaks the policy",
    }
