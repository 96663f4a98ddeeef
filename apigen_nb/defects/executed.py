"""Defects that executing the tools shows: in the world, by the rules, or because nobody can know a value."""

from __future__ import annotations

import re
from random import Random

from ..domain import Domain
from ..facts import fold, tells
from ..gates.execution import execute
from ..gates.grounding import said
from ..gates.kind import allowed
from ..records import Blueprint, canonical
from ..sampling import records_of
from .spots import guesses, id_places, names_users, places, vary, with_arguments


def unknown_id(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    spots = id_places(blueprint, domain)
    if not spots:
        return None
    place, name, table = rng.choice(spots)
    value = blueprint.actions[place].arguments[name]
    invented = f"{value}00"
    return None if invented in domain.tables[table] else with_arguments(blueprint, place, **{name: invented})


def other_users_row(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    mine, someone = records_of(domain, blueprint.user), rng.choice([u for u in domain.subjects if u != blueprint.user])
    theirs = records_of(domain, someone)
    spots = [
        (place, name, sorted(set(theirs.get(table, {})) - set(mine.get(table, {}))))
        for place, name, table in id_places(blueprint, domain)
        if blueprint.actions[place].arguments[name] in mine.get(table, {})
        and names_users(domain, table, blueprint.actions[place].arguments[name])
    ]
    spots = [spot for spot in spots if spot[2]]
    if not spots:
        return None
    place, name, rows = rng.choice(spots)
    return with_arguments(blueprint, place, **{name: rng.choice(rows)})


def swapped_actions(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """The last action and one more that is possible only after it, or only before it, in the wrong order."""
    if not blueprint.actions or blueprint.denied:
        return None
    *first, last = blueprint.actions
    for action in guesses(blueprint, domain, rng):
        for right in ((*first, last, action), (*first, action, last)):
            wrong = (*first, right[-1], right[-2])
            if allowed(blueprint, right, domain) and not allowed(blueprint, wrong, domain):
                return vary(blueprint, actions=wrong)
    return None


def rule_broken(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """An action more, of this user's rows, which executes and breaks a rule of the policy."""
    for action in guesses(blueprint, domain, rng):
        more = vary(blueprint, actions=(*blueprint.actions, action))
        execution = execute(more, domain)
        if execution.refused:
            continue
        step = execution.steps[-1]
        if not all(rule.holds(step) for rule in domain.rules_for([step.name])):
            return more
    return None


def output_not_derivable(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    invented = str(90_000_000 + rng.randrange(9_000_000) + 0.37)
    return vary(blueprint, outputs=(*blueprint.outputs[:-1], invented))


def detail_left_out(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """A value that the user alone can know: told in the instruction, in no row of theirs, and no choice."""
    told, rows = fold(blueprint.instruction), fold(canonical(records_of(domain, blueprint.user)))
    spots: list[str] = []
    for place, name in places(
        blueprint, domain, lambda name, value, spec: isinstance(value, str) and " " not in value and len(value) > 3
    ):
        value = blueprint.actions[place].arguments[name]
        spec = domain.tools[blueprint.actions[place].name].parameters["properties"].get(name, {})
        known = any(value in table for table in domain.tables.values()) or tells(rows, value) or "enum" in spec
        if said(value, told) and not known:
            spots.append(value)
    if not spots:
        return None
    without = re.sub(re.escape(rng.choice(spots)), "", blueprint.instruction, flags=re.IGNORECASE)
    return vary(blueprint, instruction=without, kind="plain", withheld=(), denied=())


def denied_is_allowed(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    if not blueprint.actions or blueprint.denied:
        return None
    wish = blueprint.actions[-1]
    rest = vary(blueprint, kind="forbidden", actions=blueprint.actions[:-1], denied=(wish,), withheld=())
    rest = rest if rest.actions or rest.outputs else vary(rest, outputs=("1",))
    return rest if allowed(rest, (*rest.actions, wish), domain) else None


def withheld_is_known(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """The user holds back their own id, which the read that finds them shows."""
    if not blueprint.actions or blueprint.denied or tells(blueprint.instruction, blueprint.user):
        return None
    words = f"{blueprint.instruction} Your number is {blueprint.user}."
    return vary(blueprint, kind="missing detail", withheld=(blueprint.user,), instruction=words)
