"""Gate 1d, grounding (ours, missing in the paper): the agent can find out everything that the task needs.

Each expected output must be derivable from what reading tools return in this world, before or after the actions; each
argument must be in the instruction or reachable by reads from what the user tells. What is computed counts as derived
when it is a count, a sum or a difference that a customer can mean: see `KnownValues` and `DerivedAmounts`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...records import Action, Blueprint, Verdict
from ...world.candidate_calls import candidate_calls, result_facts, try_call
from ...world.domain import Domain
from ...world.references import Reader, tells_one
from ...world.tool import allowed_values
from ...world.user_records import always_beside, user_records
from ...world.values import Fact, argument_values, facts, fits, is_mentioned, mentions, normalize, singular
from ...world.world import World
from .causes import asks_why, gives_cause
from .derivation import DerivedAmounts, KnownValues, ReadResult, how_shown
from .execution import Execution, execute, executed
from .verdict import Problem, verdict_on

MAX_READS_IN_A_ROW = 4  # reads in a row: find the user, the user, the order, the product
MAX_CALLS_A_TOOL = 60
POLICY = "the policy"
SAME = re.compile(r"\b(?:same|identical)\b[^.;!?]*\b(?:as|to)\b|\b(?:just|exactly) like\b")


class UnknownArgument(NamedTuple):
    """An argument that the instruction does not tell. `beside` are the action's other values: that another order was
    cancelled for some reason says nothing about this one. `choice` says whether it is one of a few (an enum), `open`
    whether the instruction tells none of these."""

    action: int
    name: str
    description: str
    value: Any
    beside: frozenset[str]
    choice: bool
    open: bool


@dataclass(frozen=True)
class Keyed:
    """A blueprint as a key: by its line."""

    line: str
    blueprint: Blueprint = field(compare=False)


class Grounding(NamedTuple):
    """What an agent cannot know of a task, as problems, and by what it first comes to each output that it can."""

    problems: tuple[Problem, ...]
    sources: Mapping[str, str]


def is_grounded(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Name the arguments and outputs that an agent has no way to know. None when the actions do not execute."""
    found = ground(blueprint, domain)
    return found and verdict_on("grounding", found.problems)


def ground(blueprint: Blueprint, domain: Domain) -> Grounding | None:
    """What is and what is not known. None when the actions do not execute."""
    return _ground(domain, Keyed(blueprint.line(), blueprint))


@functools.lru_cache(maxsize=256)  # the gate asks, and then the committee, which shows it to judges
def _ground(domain: Domain, keyed: Keyed) -> Grounding | None:
    blueprint = keyed.blueprint
    if (execution := executed(blueprint, domain)) is None:
        return None
    unknown, known = list(_unknown_arguments(blueprint, domain)), list(_told_facts(blueprint, domain))
    policy = domain.policy if blueprint.kind == "no tool" else ""
    sources = {output: POLICY for output in blueprint.outputs if mentions(policy, output)}
    outputs = [output for output in blueprint.outputs if output not in sources]
    found, read = KnownValues(), list[ReadResult]()
    for call, results in reachable(domain.world(), domain, known):
        if not unknown and not outputs:
            break
        found.add(results)
        read.append((call, results))
        unknown = [argument for argument in unknown if not _is_shown_by(argument, call, results, found, blueprint)]
        sources |= {output: f"{how_shown(output, results)} {call}" for output in outputs if found.derives(output)}
        outputs = [output for output in outputs if output not in sources]
    for source, derives in _later_sources(blueprint, domain, execution, known, read):
        if not outputs:
            break
        sources |= {output: source for output in outputs if derives(output)}
        outputs = [output for output in outputs if output not in sources]
    lost = "cannot be derived from what the reading tools return"
    unknown = [argument for argument in unknown if not _goes_without_saying(argument, blueprint, domain, execution)]
    problems = [
        *(("argument unknown", f"{a.description} is not in the instruction, nor reachable by reads") for a in unknown),
        *(("output not derivable", f"output {output!r} {lost}") for output in outputs),
    ]
    return Grounding(tuple(problems), sources)


def _goes_without_saying(argument: UnknownArgument, blueprint: Blueprint, domain: Domain, execution: Execution) -> bool:
    """Whether an argument that nobody tells and no read shows is known all the same."""
    if _known_meanwhile(argument, execution):
        return True
    beside = () if argument.choice else _told_beside(blueprint, argument)
    always = always_beside(domain, argument.name, argument.value, beside)
    return always or _is_the_only_one_taken(argument, blueprint, domain)


def _known_meanwhile(argument: UnknownArgument, execution: Execution) -> bool:
    """Whether the result of an earlier action shows the value of an argument."""
    return any(KnownValues(facts(step.result)).holds(argument.value) for step in execution.steps[: argument.action - 1])


def _later_sources(
    blueprint: Blueprint, domain: Domain, execution: Execution, known: list[Fact], read: list[ReadResult]
) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """What may tell an output that no read before the actions shows, in words and as a function: the result of an
    action, reads after the last one, and reckoning."""
    for number, step in enumerate(execution.steps, 1):
        yield f"the result of action {number}", KnownValues(facts(step.result)).derives
    if blueprint.actions:
        for call, results in reachable(execution.world, domain, known):
            yield f"the result of {call} after the actions", KnownValues(results).derives
    yield "a sum or difference of amounts that reads show", DerivedAmounts(read, blueprint, execution).derives


def _unknown_arguments(blueprint: Blueprint, domain: Domain) -> Iterator[UnknownArgument]:
    read = Reader(domain, blueprint.user)
    for position, action in enumerate(blueprint.actions, 1):
        for name, value in argument_values(action):
            schema = domain.tools[action.name].properties.get(name, {})
            options = allowed_values(schema)
            unsaid = value in options and not tells_one(name, options, blueprint.instruction)
            explained = unsaid and asks_why(name, schema) and gives_cause(blueprint.instruction, action.name)
            if not explained and not read.told(value, blueprint.instruction, name):
                others = frozenset(str(v) for k, v in argument_values(action) if k != name)
                shown = f"action {position}, {action.name}: {name}={value!r}"
                yield UnknownArgument(position, name, shown, value, others, bool(options), unsaid)


def _told_beside(blueprint: Blueprint, argument: UnknownArgument) -> list[tuple[str, Any]]:
    """The other arguments of its action that the instruction tells."""
    text, action = blueprint.instruction, blueprint.actions[argument.action - 1]
    return [(k, v) for k, v in argument_values(action) if k != argument.name and is_mentioned(v, text)]


def _is_shown_by(
    argument: UnknownArgument, call: Action, results: list[Fact], found: KnownValues, blueprint: Blueprint
) -> bool:
    """Whether a read shows the value of an argument: a choice where it was asked about what the action is about, or
    about something of the user's that it is to be the same as; a number there or where it is about the user (some
    flight has 100 seats), anything else wherever it stands."""
    if not argument.choice and isinstance(argument.value, str):
        return found.holds(argument.value)
    near = any(str(value) in argument.beside for value in call.arguments.values())
    mine = any(fact.value == blueprint.user for fact in results)
    if argument.choice:
        same = mine and argument.open and bool(SAME.search(normalize(blueprint.instruction)))
        return any(fact.value == argument.value and (near or (same and fact.key == argument.name)) for fact in results)
    return (near or mine) and KnownValues(results).holds(argument.value)


def _is_the_only_one_taken(argument: UnknownArgument, blueprint: Blueprint, domain: Domain) -> bool:
    """Whether the tool takes no other number there: what is left to pay after the vouchers is reckoned, not told."""
    if not isinstance(argument.value, int | float) or argument.choice:
        return False
    *before, action = blueprint.actions[: argument.action]
    for other in [argument.value + sign * 10**power for power in range(4) for sign in (1, -1)]:
        twin = Action(name=action.name, arguments=with_value(action.arguments, argument.value, other))
        if not execute(blueprint, domain, (*before, twin)).refused:
            return False
    return True


def with_value(value: Any, old: Any, new: Any) -> Any:
    """Arguments with another scalar in place of one, wherever it stands."""
    if isinstance(value, dict):
        return {key: with_value(part, old, new) for key, part in value.items()}
    if isinstance(value, list):
        return [with_value(part, old, new) for part in value]
    return new if value == old and not isinstance(value, bool) else value


def _told_facts(blueprint: Blueprint, domain: Domain) -> Iterator[Fact]:
    """Facts that the instruction tells: of the user's own records, and row ids of any table."""
    text, records = blueprint.instruction, user_records(domain, blueprint.user)
    is_told = functools.cache(lambda shown: is_mentioned(shown, text))  # records say the same again and again
    yield from (fact for fact in facts(records) if not isinstance(fact.value, bool) and is_told(str(fact.value)))
    words = set(re.split(r"[\s,;()\"']+", blueprint.instruction))
    words |= {word.rstrip(".:!?") for word in words}
    for table, rows in domain.tables.items():
        yield from (Fact(f"{singular(table)}_id", word, {}) for word in sorted(words) if word in rows)


def reachable(world: World, domain: Domain, known: list[Fact]) -> Iterator[tuple[Action, list[Fact]]]:
    """Calls of reading tools that can be made with known facts, and the facts in their results, breadth first."""
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    known, done = list(known), set[str]()
    for _ in range(MAX_READS_IN_A_ROW):
        new: list[Fact] = []
        for tool in sorted(reads, key=lambda tool: not tool.required):
            for action in candidate_calls(tool, known, most=MAX_CALLS_A_TOOL):
                if str(action) in done:
                    continue
                done.add(str(action))
                result = try_call(world, action)
                if result is not None:
                    found = list(result_facts(action.name, result))
                    new += [*found, *_rows(found, domain)]
                    yield action, found
        if not new:
            return
        known += new


def _rows(found: Iterable[Fact], domain: Domain) -> Iterator[Fact]:
    """The ids of rows that a result gives under names of their own: `{"T-Shirt": "9523456873"}`."""
    for table, rows in domain.tables.items():
        key = f"{singular(table)}_id"
        yield from (
            Fact(key, fact.value, {})
            for fact in found
            if isinstance(fact.value, str) and fact.value in rows and not fits(key, fact.key)
        )
