"""Defects that only a reader of the instruction can see."""

from __future__ import annotations

import itertools
import re
from random import Random

from ...records import Blueprint, canonical
from ...world.domain import Domain
from ...world.user_records import user_records
from ...world.values import mentions, parse_number
from ...world.world import Refusal
from ..gates.execution import execute
from ..gates.grounding import allowed_values
from ..gates.kind import is_allowed
from .mutations import guesses, id_places, places, vary, with_arguments


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
            if is_allowed(blueprint, actions, domain) and is_allowed(blueprint, (action,), domain):
                return vary(blueprint, actions=actions)
    return None


def other_choice(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    for place, name in places(blueprint, domain, lambda name, value, spec: len(allowed_values(spec)) > 1):
        old = blueprint.actions[place].arguments[name]
        options = allowed_values(domain.tools[blueprint.actions[place].name].parameters["properties"][name])
        changed = with_arguments(
            blueprint, place, **{name: rng.choice([option for option in options if option != old])}
        )
        if not execute(changed, domain).refused:
            return changed
    return None


def swapped_arguments(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """Two arguments of one type change places, preferably so that the tool takes them."""
    swaps = []
    for place, action in enumerate(blueprint.actions):
        for (one, first), (other, second) in itertools.combinations(action.arguments.items(), 2):
            if type(first) is type(second) and first != second:
                changed = with_arguments(blueprint, place, **{one: second, other: first})
                try:
                    domain.tools[action.name].check(changed.actions[place].arguments)
                except Refusal:
                    continue
                swaps.append(changed)
    runs = [changed for changed in swaps if not execute(changed, domain).refused]
    return rng.choice(runs or swaps) if swaps else None


def other_row(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """The instruction asks for another row of this user than the actions touch."""
    mine = user_records(domain, blueprint.user)
    spots = [
        (blueprint.actions[place].arguments[name], mine.get(table, {}))
        for place, name, table in id_places(blueprint, domain)
    ]
    spots = [(key, rows) for key, rows in spots if len(rows) > 1 and mentions(blueprint.instruction, key)]
    if not spots:
        return None
    key, rows = rng.choice(spots)
    other = rng.choice(sorted(set(rows) - {key}))
    wish = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", other, blueprint.instruction, flags=re.IGNORECASE)
    return vary(blueprint, instruction=wish)


def wrong_output(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """Another value of the user's rows in place of the asked one."""
    if not blueprint.outputs:
        return None
    old = blueprint.outputs[-1]
    values = set(re.findall(r'"([a-z_ ]{4,20})"(?=[,}])', canonical(user_records(domain, blueprint.user))))
    if parse_number(old) is not None:
        values = set(re.findall(r":(\d+(?:\.\d+)?)(?=[,}])", canonical(user_records(domain, blueprint.user))))
    others = sorted(value for value in values if not mentions(old, value) and not mentions(value, old))
    return vary(blueprint, outputs=(*blueprint.outputs[:-1], rng.choice(others))) if others else None


def output_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    if not blueprint.outputs or not blueprint.actions:
        return None
    return vary(blueprint, outputs=blueprint.outputs[:-1])


def unmet_wish(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """A wish more, in the domain's own words: what a tool does that no action calls."""
    used = {action.name for action in (*blueprint.actions, *blueprint.denied)}
    others = [tool for tool in domain.tools.values() if tool.writes and tool.name not in used]
    if not others:
        return None
    does = re.split(r"[.,:;]", rng.choice(others).description)[0]
    return vary(blueprint, instruction=f"{blueprint.instruction} You want to {does[:1].lower()}{does[1:]}.")
