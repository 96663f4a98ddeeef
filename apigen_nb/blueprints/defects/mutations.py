"""Where a defect can be planted: arguments of actions, and further calls with values of the same user's rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ...records import Action, Blueprint, canonical
from ...world.contract import guess_arguments
from ...world.domain import Domain

TRIES = 60  # guesses at a call that has a wanted property


def vary(blueprint: Blueprint, **parts: Any) -> Blueprint:
    return blueprint.model_copy(update=parts)


def replaced(blueprint: Blueprint, place: int, action: Action) -> Blueprint:
    actions = list(blueprint.actions)
    actions[place] = action
    return vary(blueprint, actions=tuple(actions))


def with_arguments(blueprint: Blueprint, place: int, **arguments: Any) -> Blueprint:
    action = blueprint.actions[place]
    return replaced(blueprint, place, Action(name=action.name, arguments={**action.arguments, **arguments}))


def places(
    blueprint: Blueprint, domain: Domain, wanted: Callable[[str, Any, dict[str, Any]], bool]
) -> list[tuple[int, str]]:
    """Place of the action and name of the argument, where name, value and schema are as wanted."""
    return [
        (place, name)
        for place, action in enumerate(blueprint.actions)
        for name, value in action.arguments.items()
        if wanted(name, value, domain.tools[action.name].parameters["properties"].get(name, {}))
    ]


def id_places(blueprint: Blueprint, domain: Domain) -> list[tuple[int, str, str]]:
    """Place, argument and table, where the argument is the id of a row."""
    spots = places(blueprint, domain, lambda name, value, spec: isinstance(value, str) and name.endswith("_id"))
    found = []
    for place, name in spots:
        value = blueprint.actions[place].arguments[name]
        found += [(place, name, table) for table, rows in domain.tables.items() if value in rows]
    return found


def guesses(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Action]:
    """Calls of writing tools with values from this user's rows, each made up when it is asked for."""
    alone = dataclasses.replace(domain, subjects=(blueprint.user,))
    writing = [tool for tool in domain.tools.values() if tool.writes]
    tools = [rng.choice(writing) for _ in range(TRIES)]
    yield from (Action(name=tool.name, arguments=guess_arguments(alone, tool, rng)) for tool in tools)


def names_users(domain: Domain, table: str, key: str) -> bool:
    row = canonical(domain.dump(domain.tables[table][key]))
    return table == domain.users or any(f'"{user}"' in row for user in domain.subjects)
