"""Gate 1d, grounding (ours, missing in the paper): the agent can find out everything that the task needs.

Each expected output must be derivable from what reading tools return in this world, before or after the actions; each
argument must be in the instruction or reachable by reads from what the user tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..domain import Domain
from ..facts import SCALARS, Fact, facts, fold, number, singular, tells
from ..graph import candidates, required, result_facts, try_call
from ..records import Action, Blueprint, Verdict
from ..sampling import records_of
from ..world import World
from .execution import execute, executes

DEPTH = 4  # reads in a row: find the user, the user, the order, the product
CALLS_A_TOOL = 60


class Gap(NamedTuple):
    """An argument that the instruction does not tell. `about` are the action's other values where the argument is a
    choice (an enum): that another order was cancelled for some reason says nothing about this one."""

    action: int
    tool: str
    name: str
    value: Any
    about: frozenset[str] | None


def is_grounded(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Name the arguments and outputs that an agent has no way to know. None when the actions do not execute."""
    executed = executes(blueprint, domain)
    if executed is None or not executed.passed:
        return None
    told = fold(blueprint.instruction)
    gaps, untold = list(_gaps(blueprint, domain, told)), list(blueprint.outputs)
    if blueprint.kind == "no tool":
        untold = [output for output in untold if not tells(domain.policy, output)]
    execution = execute(blueprint, domain)
    known = list(_told_facts(blueprint, domain, told))
    found = Findings([])
    for call, results in reachable(domain.world(), domain, list(known)):
        found.add(results)
        asked = {str(value) for value in call.arguments.values()}
        gaps = [
            gap
            for gap in gaps
            if not (found.holds(gap.value) and (gap.about is None or (asked & gap.about and _in(gap, results))))
        ]
        untold = [output for output in untold if not found.derives(output)]
        if not gaps and not untold:
            break
    # an argument may come from the result of an earlier action; an output from any, or from reads after the last one
    earlier = [Findings(facts(step.result)) for step in execution.steps]
    gaps = [gap for gap in gaps if not any(known.holds(gap.value) for known in earlier[: gap.action - 1])]
    untold = [output for output in untold if not any(known.derives(output) for known in earlier)]
    if untold and blueprint.actions:
        for _, results in reachable(execution.world, domain, list(known)):
            after = Findings(results)
            untold = [output for output in untold if not after.derives(output)]
    problems = [
        f"action {gap.action}, {gap.tool}: {gap.name}={gap.value!r} is not in the instruction, nor reachable by reads"
        for gap in gaps
    ] + [f"output {output!r} cannot be derived from what the reading tools return" for output in untold]
    kind = "argument unknown" if gaps else "output not derivable" if untold else ""
    return Verdict(gate="grounding", passed=not problems, kind=kind, reason="; ".join(problems))


def _gaps(blueprint: Blueprint, domain: Domain, told: str) -> Iterator[Gap]:
    for position, action in enumerate(blueprint.actions, 1):
        specs = domain.tools[action.name].parameters["properties"]
        for name, value in leaves(action.arguments):
            if not said(value, told):
                others = frozenset(str(v) for k, v in leaves(action.arguments) if k != name)
                yield Gap(position, action.name, name, value, others if "enum" in specs.get(name, {}) else None)


def _in(gap: Gap, results: list[Fact]) -> bool:
    return any(fact.value == gap.value for fact in results)


def leaves(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of every scalar in the arguments; booleans cannot be looked up in a text and are left out."""
    for name, value in arguments.items():
        for fact in facts(value, key=name):
            if not isinstance(fact.value, bool) and fact.value != "":
                yield name, fact.value


def said(value: Any, told: str) -> bool:
    """Whether a (folded) text tells a value, as it is or with spaces for underscores."""
    text = str(value)
    return tells(told, text) or tells(told, text.replace("_", " "))


def _told_facts(blueprint: Blueprint, domain: Domain, told: str) -> Iterator[Fact]:
    """Facts that the instruction tells: of the user's own records, and row ids of any table."""
    records = records_of(domain, blueprint.user)
    yield from (fact for fact in facts(records) if not isinstance(fact.value, bool) and said(fact.value, told))
    words = set(re.split(r"[\s,;()\"']+", blueprint.instruction))
    words |= {word.rstrip(".:!?") for word in words}
    for table, rows in domain.tables.items():
        yield from (Fact(f"{singular(table)}_id", word, {}) for word in sorted(words) if word in rows)


def reachable(world: World, domain: Domain, known: list[Fact]) -> Iterator[tuple[Action, list[Fact]]]:
    """Calls of reading tools that can be made with known facts, and the facts in their results, breadth first."""
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    done: set[str] = set()
    for _ in range(DEPTH):
        new: list[Fact] = []
        for tool in sorted(reads, key=lambda tool: len(required(tool)) == 0):
            for action in candidates(tool, known, most=CALLS_A_TOOL):
                if str(action) in done:
                    continue
                done.add(str(action))
                result = try_call(world, action)
                if result is not None:
                    found = list(result_facts(action.name, result))
                    new += found
                    yield action, found
        if not new:
            return
        known += new


class Findings:
    """What reads have brought to light so far."""

    def __init__(self, found: Iterable[Fact]) -> None:
        self.values: set[str] = set()
        self.numbers: set[Any] = set()
        self.sums: dict[tuple[int, str], Any] = {}
        self.texts: list[str] = []
        self.add(list(found))

    def add(self, found: list[Fact]) -> None:
        totals: dict[str, Any] = {}
        for fact in found:
            if isinstance(fact.value, bool) or not isinstance(fact.value, SCALARS):
                continue
            text = fold(str(fact.value))
            self.values.add(text)
            if " " in text:
                self.texts.append(text)
            value = number(text)
            if value is not None:
                self.numbers.add(value)
                totals[fact.key] = totals.get(fact.key, 0) + value
        # an agent can count what a list holds and add up one field of one result
        counts: dict[str, int] = {}
        for fact in found:
            counts[fact.key] = counts.get(fact.key, 0) + 1
        self.numbers |= set(totals.values()) | set(map(number, map(str, counts.values())))

    def holds(self, value: Any) -> bool:
        text = fold(str(value))
        return text in self.values or (not isinstance(value, str) and number(text) in self.numbers)

    def derives(self, output: str) -> bool:
        text = fold(output)
        value = number(text)
        if value is not None:
            return value in self.numbers
        return text in self.values or text.replace(" ", "_") in self.values or any(tells(t, text) for t in self.texts)
