"""Defects that the form or an execution shows: in the world, by the rules, or because nobody can know a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from ...records import Action, Blueprint, canonical
from ...world.contract import guess_arguments
from ...world.domain import Domain
from ...world.tool import allowed_values
from ...world.user_records import user_records
from ...world.values import argument_values, is_mentioned, mentions, normalize
from ..gates.execution import execute
from ..gates.kind import is_allowed
from .mutations import arguments_of, guesses, row_ids, vary, with_arguments, with_call


def unknown_tool(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for place, action in enumerate(blueprint.actions):
        yield with_call(blueprint, place, f"{action.name}_now", action.arguments)


def reading_tool_as_an_action(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    tool = rng.choice([tool for tool in domain.tools.values() if tool.kind == "read"])
    action = Action(name=tool.name, arguments=guess_arguments(domain, tool, rng))
    yield vary(blueprint, actions=(*blueprint.actions, action))


def argument_missing(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for place, action in enumerate(blueprint.actions):
        for gone in domain.tools[action.name].required:
            rest = {name: value for name, value in action.arguments.items() if name != gone}
            yield with_call(blueprint, place, action.name, rest)


def unknown_argument(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    yield from (with_arguments(blueprint, place, note="urgent") for place in range(len(blueprint.actions)))


def wrong_type(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for place, name, value, _ in arguments_of(blueprint, domain):
        if isinstance(value, str | list | int | float):
            yield with_arguments(blueprint, place, **{name: {"value": value}})


def value_outside_its_choices(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for place, name, _, spec in arguments_of(blueprint, domain):
        if allowed_values(spec):
            yield with_arguments(blueprint, place, **{name: "something else"})


def empty_task(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    yield vary(blueprint, actions=(), outputs=())


def no_instruction(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    yield vary(blueprint, instruction=" ")


def empty_output(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    yield vary(blueprint, outputs=(*blueprint.outputs, ""))


def unknown_id(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    for (place, name, value, _), table in row_ids(blueprint, domain):
        if f"{value}00" not in domain.tables[table]:
            yield with_arguments(blueprint, place, **{name: f"{value}00"})


def row_of_another_user(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    mine = user_records(domain, blueprint.user)
    theirs = user_records(domain, rng.choice([user for user in domain.subjects if user != blueprint.user]))
    for (place, name, value, _), table in row_ids(blueprint, domain):
        rows = sorted(set(theirs.get(table, {})) - set(mine.get(table, {})))
        if rows and value in mine.get(table, {}) and _names_users(domain, table, value):
            yield with_arguments(blueprint, place, **{name: rng.choice(rows)})


def _names_users(domain: Domain, table: str, key: str) -> bool:
    row = canonical(domain.dump(domain.tables[table][key]))
    return table == domain.users or any(f'"{user}"' in row for user in domain.subjects)


def dependent_actions_swapped(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """The last action and one more that is possible only after it, or only before it, in the wrong order: a tool
    refuses the second one. Only where no tool does, as tau2's airline tools never look, is it a rule that says so."""
    if not blueprint.actions or blueprint.denied:
        return
    *first, last = blueprint.actions
    by_rule = None
    for action in guesses(blueprint, domain, rng):
        for right in ((*first, last, action), (*first, action, last)):
            wrong = vary(blueprint, actions=(*first, right[-1], right[-2]))
            refused = execute(wrong, domain).refused is not None
            if (refused or by_rule is None) and is_allowed(blueprint, right, domain):
                if refused:
                    yield wrong
                    return
                by_rule = None if is_allowed(blueprint, wrong.actions, domain) else wrong
    if by_rule:
        yield by_rule


def rule_broken(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """An action more, of this user's rows, which executes and breaks a rule of the policy. The place is found by asking
    the rules: a gate that catches it asks every rule at every step; whether the rules say what the policy says, this
    cannot show."""
    for action in guesses(blueprint, domain, rng):
        more = vary(blueprint, actions=(*blueprint.actions, action))
        execution = execute(more, domain)
        if not execution.refused:
            step = execution.steps[-1]
            if not all(rule.holds(step) for rule in domain.rules_for([step.name])):
                yield more
                return


def output_not_derivable(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    invented = str(90_000_000 + rng.randrange(9_000_000) + 0.37)
    yield vary(blueprint, outputs=(*blueprint.outputs[:-1], invented))


def needed_detail_left_out_of_the_instruction(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """A value that the user alone can know is gone from the instruction: a text or a number that no row of theirs
    holds, or a choice that no row holds that the call is about."""
    text, mine = normalize(blueprint.instruction), user_records(domain, blueprint.user)
    for action in blueprint.actions:
        named = {str(value) for _, value in argument_values(action)}
        about = {key: row for rows in mine.values() for key, row in rows.items() if key in named}
        for name, value in argument_values(action):
            options = allowed_values(domain.tools[action.name].properties.get(name, {}))
            known = mentions(normalize(canonical(about if options else mine)), str(value))
            known |= any(value in rows for rows in domain.tables.values())
            if is_mentioned(value, text) and not known and (options or _telling(value)):
                words = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_]+", str(value))))
                without = re.sub(rf"(?<!\w){words}(?!\w)", "", blueprint.instruction, flags=re.IGNORECASE)
                if not is_mentioned(value, normalize(without)):
                    yield vary(blueprint, instruction=without, kind="plain", withheld=(), denied=())


def _telling(value: Any) -> bool:
    """Whether nobody comes upon a value by counting or by chance."""
    return len(value) > 3 if isinstance(value, str) else value >= 100 or value * 10 % 1 != 0


def denied_wish_that_is_allowed(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """The last action becomes the denied wish: that it is allowed is known because the blueprint was accepted."""
    if blueprint.actions and not blueprint.denied:
        *rest, wish = blueprint.actions
        outputs = blueprint.outputs or (() if rest else ("1",))
        yield vary(blueprint, kind="forbidden", actions=tuple(rest), outputs=outputs, denied=(wish,), withheld=())


def withheld_detail_that_can_be_looked_up(blueprint: Blueprint, domain: Domain, rng: Random) -> Iterator[Blueprint]:
    """The user holds back their own id, which the read that finds them shows."""
    if blueprint.actions and not blueprint.denied and not mentions(blueprint.instruction, blueprint.user):
        words = f"{blueprint.instruction} Your number is {blueprint.user}."
        yield vary(blueprint, kind="missing detail", withheld=(blueprint.user,), instruction=words)
