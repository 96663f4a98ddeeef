"""Defects that only a reader of the instruction can see."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from random import Random

from ...records import Blueprint, canonical
from ...world.domain import Domain
from ...world.tool import allowed_values
from ...world.user_records import user_records
from ...world.values import mentions, parse_number
from ...world.world import Refusal
from ..gates.execution import execute
from ..gates.kind import is_allowed
from .mutations import arguments_of, guesses, row_ids, vary, with_arguments


def action_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for gone in range(len(blueprint.actions)) if len(blueprint.actions) > 1 else ():
        left = vary(blueprint, actions=blueprint.actions[:gone] + blueprint.actions[gone + 1 :])
        if not execute(left, domain).refused:
            yield left


def action_that_nobody_asked_for(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    used = {action.name for action in blueprint.actions}
    for action in guesses(blueprint, domain, rng):
        actions = (*blueprint.actions, action)
        if action.name not in used and all(is_allowed(blueprint, tried, domain) for tried in (actions, (action,))):
            yield vary(blueprint, actions=actions)
            return


def other_choice_than_asked_for(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for place, name, value, spec in arguments_of(blueprint, domain):
        others = [option for option in allowed_values(spec) if option != value]
        changed = with_arguments(blueprint, place, **{name: rng.choice(others)}) if others else blueprint
        if others and not execute(changed, domain).refused:
            yield changed


def two_arguments_swapped(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
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
    yield from [changed for changed in swaps if not execute(changed, domain).refused] or swaps


def another_row_than_asked_for(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """The instruction asks for another row of this user than the actions touch."""
    mine = user_records(domain, blueprint.user)
    for (_, _, key, _), table in row_ids(blueprint, domain):
        others = sorted(set(mine.get(table, {})) - {key})
        if others and mentions(blueprint.instruction, key):
            words, other = rf"(?<!\w){re.escape(key)}(?!\w)", rng.choice(others)
            yield vary(blueprint, instruction=re.sub(words, other, blueprint.instruction, flags=re.IGNORECASE))


def wrong_output(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """Another value of the user's rows in place of the asked one."""
    for asked in blueprint.outputs[-1:]:
        value = r'"([a-z_ ]{4,20})"' if parse_number(asked) is None else r":(\d+(?:\.\d+)?)"
        found = set(re.findall(rf"{value}(?=[,}}])", canonical(user_records(domain, blueprint.user))))
        others = (other for other in sorted(found) if not mentions(asked, other) and not mentions(other, asked))
        yield from (vary(blueprint, outputs=(*blueprint.outputs[:-1], other)) for other in others)


def output_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    if blueprint.outputs and blueprint.actions:
        yield vary(blueprint, outputs=blueprint.outputs[:-1])


def a_wish_that_no_action_grants(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """A wish more, in the domain's own words: what a tool does that no action calls."""
    used = {action.name for action in (*blueprint.actions, *blueprint.denied)}
    for tool in domain.tools.values():
        if tool.writes and tool.name not in used:
            does = re.split(r"[.,:;]", tool.description)[0]
            yield vary(blueprint, instruction=f"{blueprint.instruction} You want to {does[:1].lower()}{does[1:]}.")
