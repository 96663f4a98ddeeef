"""Which rows belong together: a task, whose rows share it, whoever shares a part of it, and whoever has its user."""

from __future__ import annotations

from collections.abc import Mapping

from ..records import Blueprint


def as_groups(tasks: Mapping[str, Blueprint]) -> dict[str, str]:
    """Task → group: tasks of one user, and those that share parts, are one group, named by its first task."""
    parent = {id: id for id in tasks}

    def root(id: str) -> str:
        while parent.setdefault(id, id) != id:
            parent[id] = parent[parent[id]]
            id = parent[id]
        return id

    for task in tasks.values():
        for other in (f"{task.domain}\0{task.user}", *task.parts):
            parent[root(other)] = root(task.id)
    first = dict[str, str]()
    for id in sorted(tasks):
        first.setdefault(root(id), id)
    return {id: first[root(id)] for id in tasks}
