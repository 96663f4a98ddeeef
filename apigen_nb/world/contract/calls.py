"""What calling the tools brings to light: reads that write, writes that cannot be made, broken tools, idle rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..domain import Domain
from ..world import ToolBug
from .call_search import Call, Explored, explore
from .finding import Finding, Level
from .read_purity import reads_that_write

RETRIED = 20  # successful calls of a tool that are made again


def reads(domain: Domain) -> Iterator[Finding]:
    """Reads never write."""
    try:
        named = reads_that_write(domain)
    except ToolBug:
        return  # `calls` tells which tool it is
    for name in named:
        expected = "a tool that only reads changes nothing: all conversations share these rows"
        todo = "declare it with @tool(writes=True), or change a copy of the row"
        yield Finding("error", "reads never write", f"tool {name}", "it changed the data", expected, todo)


def calls(domain: Domain, explored: Explored | None = None) -> Iterator[Finding]:
    """Tools say no by a Refusal, each writing tool can be called as the rules want it, does the same twice and gives
    plain JSON, and each rule is broken by some calls and allows others."""
    found = explore(domain) if explored is None else explored
    for name in domain.tools:
        yield from _bugs(name, found)
        yield from _satisfiable(domain, name, found)
        yield from _repeatable(domain, name, found.executed[name][:RETRIED])
    yield from _rules(domain, found)


def _bugs(name: str, found: Explored) -> Iterator[Finding]:
    where = f"tool {name}"
    if name in found.bugs:
        expected = "a result, or a Refusal that tells the agent why not: a bug stops the whole run"
        todo = "check the arguments before they are used, and raise Refusal(reason, kind=...)"
        yield Finding("error", "typed errors", where, found.bugs[name], expected, todo)
    if name in found.untyped:
        expected = "a sort of refusal that names no value, so that reports can count it"
        todo = 'name the sort: raise Refusal(..., kind="no such order")'
        yield Finding("warning", "typed errors", where, f"{found.untyped[name]!r} has no kind", expected, todo)


def _satisfiable(domain: Domain, name: str, found: Explored) -> Iterator[Finding]:
    tool, where, tries = domain.tools[name], f"tool {name}", found.tries[name]
    refusals = ", ".join(f"{kind!r} {count} times" for kind, count in found.refusals[name].most_common(4))
    if tool.kind == "other":
        return
    if not found.executed[name]:
        todo = "look at the refusals: the data may hold no row in the state that it asks for, or no id under that name"
        level: Level = "error" if tool.writes else "warning"
        shown = f"none of {tries} calls with values of the data was executed; refused as {refusals}"
        yield Finding(level, "satisfiable", where, shown, "arguments in the data that it takes", todo)
    elif tool.writes and name not in found.changing:
        todo = "change the rows in place (db.orders[order_id][...] = ...), or declare it with @tool"
        shown = f"{len(found.executed[name])} calls were executed, and none changed anything"
        yield Finding("error", "satisfiable", where, shown, "a writing tool changes rows", todo)
    elif tool.writes and not found.obeying[name]:
        rules = ", ".join(rule.name for rule in domain.rules_for([name]))
        shown = f"{len(found.executed[name])} calls of {tries} were executed, and each broke a rule ({rules})"
        todo = "look whether the rules contradict each other, and whether the data hold a row that all of them allow"
        yield Finding("warning", "satisfiable", where, shown, "a call that no rule forbids", todo)


def _repeatable(domain: Domain, name: str, executed: list[Call]) -> Iterator[Finding]:
    for call in executed:
        one, other = (_end(domain, call) for _ in range(2))
        try:
            if one == other and json.loads(json.dumps(one, allow_nan=False)) == one:
                continue
            problem = "it does not give the same twice" if one != other else "it leaves no plain JSON"
        except (TypeError, ValueError) as error:
            problem = f"it leaves no plain JSON: {error}"
        todo = "take no clock, no dice and no set into a tool; keep to objects, lists, text, numbers, true, false, null"
        expected = "the same call on the same rows gives the same plain JSON: verification replays it"
        yield Finding("error", "repeatable", f"tool {name}", f"{problem}: {call}", expected, todo)
        return


def _end(domain: Domain, call: Call) -> list[Any]:
    """The result of a call and the rows that it leaves."""
    world = domain.world()
    results = [world.call(action) for action in (*call.earlier, call.action)]
    return [results[-1], [[change.table, change.id, change.after] for change in world.delta()]]


def _rules(domain: Domain, found: Explored) -> Iterator[Finding]:
    for rule in domain.rules:
        where = f"rule {rule.name}"
        if rule.name in found.failed:
            expected = "True or False for each call that was executed"
            todo = "look rows up with .get(): the call may name what is not there"
            yield Finding("error", "rules bind", where, found.failed[rule.name], expected, todo)
            continue
        seen = sum(len(found.executed[name]) for name in rule.tools)
        if not seen:
            continue  # no call that it could judge: `satisfiable` says so
        if rule.name not in found.looking:
            expected = "True or False by what the call, its result or the database says"
            todo = "look at step.arguments, step.before, step.result ..., or take the rule out"
            yield Finding("error", "rules bind", where, "it looks at nothing, so it forbids nothing", expected, todo)
        elif rule.name not in found.broken:
            shown = f"none of {seen} executed calls of {', '.join(rule.tools)} breaks it"
            todo = "look whether it can be broken at all; perhaps the tool refuses it already, then the rule is idle"
            yield Finding(
                "warning", "rules bind", where, shown, "a call that the tool executes and the rule forbids", todo
            )
        elif not found.kept[rule.name]:
            shown = f"each of {seen} executed calls of {', '.join(rule.tools)} breaks it"
            todo = "look whether it says the opposite of what it means, and whether the data hold a case that it allows"
            yield Finding("warning", "rules bind", where, shown, "a call that the rule allows", todo)
