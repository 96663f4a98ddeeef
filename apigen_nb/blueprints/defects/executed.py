"""Defects that executing the tools shows: in the world, by the rules, or because nobody can know a value."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from ...records import Blueprint, canonical
from ...world.domain import Domain
from ...world.user_records import user_records
from ...world.values import mentions, normalize
from ..gates.derivation import argument_values
from ..gates.execution import execute
from ..gates.grounding import allowed_values, is_mentioned
from ..gates.kind import is_allowed
from .mutations import guesses, id_places, names_users, vary, with_arguments


def unknown_id(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    spots = id_places(blueprint, domain)
    if not spots:
        return None
    place, name, table = rng.choice(spots)
    value = blueprint.actions[place].arguments[name]
    invented = f"{value}00"
    return None if invented in domain.tables[table] else with_arguments(blueprint, place, **{name: invented})


def other_users_row(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    mine, someone = (
        user_records(domain, blueprint.user),
        rng.choice([u for u in domain.subjects if u != blueprint.user]),
    )
    theirs = user_records(domain, someone)
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
    """The last action and one more that is possible only after it, or only before it, in the wrong order: a tool
    refuses the second one. Only where no tool does, as tau2's airline tools never look, is it a rule that says so."""
    if not blueprint.actions or blueprint.denied:
        return None
    *first, last = blueprint.actions
    by_rule = None
    for action in guesses(blueprint, domain, rng):
        for right in ((*first, last, action), (*first, action, last)):
            wrong = vary(blueprint, actions=(*first, right[-1], right[-2]))
            refused = execute(wrong, domain).refused is not None
            if (refused or by_rule is None) and is_allowed(blueprint, right, domain):
                if refused:
                    return wrong
                by_rule = None if is_allowed(blueprint, wrong.actions, domain) else wrong
    return by_rule


def rule_broken(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """An action more, of this user's rows, which executes and breaks a rule of the policy. The spot is found by asking
    the rules: a gate that catches it asks every rule at every step; whether the rules say what the policy says, this
    cannot show."""
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
    """A value that the user alone can know is gone from the instruction: a text or a number that no row of theirs
    holds, or a choice that no row holds that the call is about."""
    told, mine = normalize(blueprint.instruction), user_records(domain, blueprint.user)
    spots = []
    for action in blueprint.actions:
        specs = domain.tools[action.name].parameters["properties"]
        named = {str(value) for _, value in argument_values(action.arguments)}
        about = {key: row for rows in mine.values() for key, row in rows.items() if key in named}
        for name, value in argument_values(action.arguments):
            options = allowed_values(specs.get(name, {}))
            known = mentions(normalize(canonical(about if options else mine)), str(value))
            known |= any(value in rows for rows in domain.tables.values())
            if is_mentioned(value, told) and not known and (options or _telling(value)):
                spots.append(value)
    for value in rng.sample(spots, len(spots)):
        words = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_]+", str(value))))
        without = re.sub(rf"(?<!\w){words}(?!\w)", "", blueprint.instruction, flags=re.IGNORECASE)
        if not is_mentioned(value, normalize(without)):
            return vary(blueprint, instruction=without, kind="plain", withheld=(), denied=())
    return None


def _telling(value: Any) -> bool:
    """Whether nobody comes upon a value by counting or by chance."""
    return len(value) > 3 if isinstance(value, str) else value >= 100 or value * 10 % 1 != 0


def denied_is_allowed(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """The last action becomes the denied wish: that it is allowed is known because the blueprint was accepted."""
    if not blueprint.actions or blueprint.denied:
        return None
    wish = blueprint.actions[-1]
    rest = vary(blueprint, kind="forbidden", actions=blueprint.actions[:-1], denied=(wish,), withheld=())
    return rest if rest.actions or rest.outputs else vary(rest, outputs=("1",))


def withheld_is_known(blueprint: Blueprint, domain: Domain, rng: Random) -> Blueprint | None:
    """The user holds back their own id, which the read that finds them shows."""
    if not blueprint.actions or blueprint.denied or mentions(blueprint.instruction, blueprint.user):
        return None
    words = f"{blueprint.instruction} Your number is {blueprint.user}."
    return vary(blueprint, kind="missing detail", withheld=(blueprint.user,), instruction=words)
