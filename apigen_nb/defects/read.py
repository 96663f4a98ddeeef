"""Defects that only a reader of the instruction can see."""

from __future__ import annotations

import itertools
import re
from random import Random

from ..domain import Domain
from ..facts import fits, number, tells
from ..gates.execution import execute
from ..gates.kind import allowed
from ..records import Blueprint, canonical
from ..sampling import records_of
from ..world import Refusal
from .spots import guesses, places, vary, with_arguments


def action_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    if len(blueprint.actions) < 2:
        return None
    gone = rng.randrange(len(blueprint.actions))
    left = tuple(a for place, a in enumerate(blueprint.actions) if place != gone)
    return None if execute(vary(blueprint, actions=left), domain).refused else vary(blueprint, actions=left)


def action_extra(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    for action in guesses(blueprint, domain, rng):
        if not any(action.name == other.name for other in blueprint.actions):
            actions = (*blueprint.actions, action)
            if allowed(blueprint, actions, domain) and allowed(blueprint, (action,), domain):
                return vary(blueprint, actions=actions)
    return None


def other_choice(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    for place, name in places(blueprint, domain, lambda name, value, spec: len(spec.get("enum", ())) > 1):
        old = blueprint.actions[place].arguments[name]
        options = domain.tools[blueprint.actions[place].name].parameters["properties"][name]["enum"]
        changed = with_arguments(
            blueprint, place, **{name: rng.choice([option for option in options if option != old])}
        )
        if not execute(changed, domain).refused:
            return changed
    return None


def swapped_arguments(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    for place, action in enumerate(blueprint.actions):
        names = [n for n, v in action.arguments.items() if isinstance(v, str)]
        for one, other in itertools.pairwise(names):
            if action.arguments[one] != action.arguments[other] and (fits(one, other) or not one.endswith("_id")):
                swapped = {one: action.arguments[other], other: action.arguments[one]}
                changed = with_arguments(blueprint, place, **swapped)
                try:
                    domain.tools[action.name].check(changed.actions[place].arguments)
                except Refusal:
                    continue
                return changed
    return None


def wrong_output(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """Another value of the user's rows in place of the asked one."""
    if not blueprint.outputs:
        return None
    old = blueprint.outputs[-1]
    values = set(re.findall(r'"([a-z_ ]{4,20})"(?=[,}])', canonical(records_of(domain, blueprint.user))))
    if number(old) is not None:
        values = set(re.findall(r":(\d+(?:\.\d+)?)(?=[,}])", canonical(records_of(domain, blueprint.user))))
    others = sorted(value for value in values if not tells(old, value) and not tells(value, old))
    return vary(blueprint, outputs=(*blueprint.outputs[:-1], rng.choice(others))) if others else None


def output_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    if not blueprint.outputs or not blueprint.actions:
        return None
    return vary(blueprint, outputs=blueprint.outputs[:-1])


def unmet_wish(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    return vary(blueprint, instruction=f"{blueprint.instruction} You want to know the weight of your last parcel.")
