"""Which rows belong together: those of a task, of tasks that share a part, of a user, and those that nearly repeat each
other. A group stands in one split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..records import Blueprint


def as_groups(tasks: Mapping[str, Blueprint], alike: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Task → group: tasks of one user, those that share parts, and pairs that are `alike` are one group, named by its
    first task."""
    parent = {id: id for id in tasks}

    def root(id: str) -> str:
        while parent.setdefault(id, id) != id:
            parent[id] = parent[parent[id]]
            id = parent[id]
        return id

    for task in tasks.values():
        for other in (f"{task.domain}\0{task.user}", *task.parts):
            parent[root(other)] = root(task.id)
    for one, other in alike:
        parent[root(other)] = root(one)
    first = dict[str, str]()
    for id in sorted(tasks):
        first.setdefault(root(id), id)
    return {id: first[root(id)] for id in tasks}
