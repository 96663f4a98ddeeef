"""Defects that the form shows."""

from __future__ import annotations

from random import Random

from ...records import Action, Blueprint
from ...world.contract import guess_arguments
from ...world.domain import Domain
from ..gates.grounding import allowed_values
from .mutations import places, replaced, vary, with_arguments


def unknown_tool(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    if not blueprint.actions:
        return None
    place = rng.randrange(len(blueprint.actions))
    old = blueprint.actions[place]
    return replaced(blueprint, place, Action(name=f"{old.name}_now", arguments=old.arguments))


def reading_tool(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    name = rng.choice([name for name, tool in domain.tools.items() if tool.kind == "read"])
    action = Action(name=name, arguments=guess_arguments(domain, domain.tools[name], rng))
    return vary(blueprint, actions=(*blueprint.actions, action))


def argument_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    spots = [
        (place, name)
        for place, action in enumerate(blueprint.actions)
        for name in domain.tools[action.name].parameters.get("required", ())
    ]
    if not spots:
        return None
    place, name = rng.choice(spots)
    old = blueprint.actions[place]
    return replaced(
        blueprint, place, Action(name=old.name, arguments={k: v for k, v in old.arguments.items() if k != name})
    )


def unknown_argument(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    return (
        with_arguments(blueprint, rng.randrange(len(blueprint.actions)), note="urgent") if blueprint.actions else None
    )


def wrong_type(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    spots = places(blueprint, domain, lambda name, value, spec: isinstance(value, str | list | int | float))
    if not spots:
        return None
    place, name = rng.choice(spots)
    return with_arguments(blueprint, place, **{name: {"value": blueprint.actions[place].arguments[name]}})


def outside_choices(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    spots = places(blueprint, domain, lambda name, value, spec: bool(allowed_values(spec)))
    if not spots:
        return None
    place, name = rng.choice(spots)
    return with_arguments(blueprint, place, **{name: "something else"})


def empty_task(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    return vary(blueprint, actions=(), outputs=())


def no_instruction(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    return vary(blueprint, instruction=" ")


def empty_output(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    return vary(blueprint, outputs=(*blueprint.outputs, ""))
