"""Where a defect can be planted: arguments of actions, and further calls with values of the same user's rows."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from ...records import Action, Blueprint
from ...world.contract import guess_arguments
from ...world.domain import Domain

TRIES = 60  # guesses at a call that has a wanted property


class Argument(NamedTuple):
    """An argument of the action at `place`, with its schema."""

    place: int
    name: str
    value: Any
    spec: dict[str, Any]


def vary(blueprint: Blueprint, **parts: Any) -> Blueprint:
    """The blueprint with some parts replaced."""
    return blueprint.model_copy(update=parts)


def with_call(blueprint: Blueprint, place: int, name: str, arguments: dict[str, Any]) -> Blueprint:
    """The blueprint with another call in the place of one of its actions."""
    actions = list(blueprint.actions)
    actions[place] = Action(name=name, arguments=arguments)
    return vary(blueprint, actions=tuple(actions))


def with_arguments(blueprint: Blueprint, place: int, **arguments: Any) -> Blueprint:
    """The blueprint with other arguments of one of its actions."""
    action = blueprint.actions[place]
    return with_call(blueprint, place, action.name, {**action.arguments, **arguments})


def arguments_of(blueprint: Blueprint, domain: Domain) -> Iterator[Argument]:
    """All arguments of all actions."""
    for place, action in enumerate(blueprint.actions):
        specs = domain.tools[action.name].properties
        yield from (Argument(place, name, value, specs.get(name, {})) for name, value in action.arguments.items())


def row_ids(blueprint: Blueprint, domain: Domain) -> Iterator[tuple[Argument, str]]:
    """The arguments that are ids of rows, each with the table."""
    for argument in arguments_of(blueprint, domain):
        if isinstance(argument.value, str) and argument.name.endswith("_id"):
            yield from ((argument, table) for table, rows in domain.tables.items() if argument.value in rows)


def guesses(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Action]:
    """Calls of writing tools with values from this user's rows, each made up when it is asked for."""
    writing = [tool for tool in domain.tools.values() if tool.writes]
    tools = [rng.choice(writing) for _ in range(TRIES)]
    yield from (Action(name=tool.name, arguments=guess_arguments(domain, tool, rng, blueprint.user)) for tool in tools)
