"""What calling the tools brings to light: writes that cannot be made, broken tools, idle rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..domain import Domain, Rule
from .call_search import Call, RuleTrials, ToolTrials, search_calls
from .finding import Finding, Level

RETRIED = 20  # successful calls of a tool that are made again


def calls(domain: Domain) -> Iterator[Finding]:
    """Tools say no by a Refusal, each writing tool can be called as the rules want it, does the same twice and gives
    plain JSON, and each rule is broken by some calls and allows others."""
    tools, rules = search_calls(domain)
    for name, trials in tools.items():
        yield from _typed(f"tool {name}", trials)
        yield from _satisfiable(domain, name, trials)
        yield from _repeatable(domain, f"tool {name}", trials.executed[:RETRIED])
    for rule in domain.rules:
        seen = sum(len(tools[name].executed) for name in rule.tools)
        yield from _binding(rule, rules[rule.name], f"{seen} executed calls of {', '.join(rule.tools)}", bool(seen))


def _typed(where: str, trials: ToolTrials) -> Iterator[Finding]:
    if trials.bug:
        expected = "a result, or a Refusal that tells the agent why not: a bug stops the whole run"
        todo = "check the arguments before they are used, and raise Refusal(reason, kind=...)"
        yield Finding("error", "typed errors", where, trials.bug, expected, todo)
    if trials.untyped:
        expected = "a sort of refusal that names no value, so that reports can count it"
        todo = 'name the sort: raise Refusal(..., kind="no such order")'
        yield Finding("warning", "typed errors", where, f"{trials.untyped!r} has no kind", expected, todo)


def _satisfiable(domain: Domain, name: str, trials: ToolTrials) -> Iterator[Finding]:
    tool, executed = domain.tools[name], len(trials.executed)
    level: Level = "error"
    if tool.kind == "other":
        return
    if not executed:
        refusals = ", ".join(f"{kind!r} {count} times" for kind, count in trials.refusals.most_common(4))
        level = "error" if tool.writes else "warning"
        found = f"none of {trials.tries} calls with values of the data was executed; refused as {refusals}"
        expected = "arguments in the data that it takes"
        todo = "look at the refusals: the data may hold no row in the state that it asks for, or no id under that name"
    elif tool.writes and not trials.changing:
        found, expected = f"{executed} calls were executed, and none changed anything", "a writing tool changes rows"
        todo = "change the rows in place (db.orders[order_id][...] = ...), or declare it with @tool"
    elif tool.writes and not trials.obeying:
        rules = ", ".join(rule.name for rule in domain.rules_for([name]))
        level, expected = "warning", "a call that no rule forbids"
        found = f"{executed} calls of {trials.tries} were executed, and each broke a rule ({rules})"
        todo = "look whether the rules contradict each other, and whether the data hold a row that all of them allow"
    else:
        return
    yield Finding(level, "satisfiable", f"tool {name}", found, expected, todo)


def _repeatable(domain: Domain, where: str, executed: list[Call]) -> Iterator[Finding]:
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
        yield Finding("error", "repeatable", where, f"{problem}: {call}", expected, todo)
        return


def _end(domain: Domain, call: Call) -> list[Any]:
    """The result of a call and the rows that it leaves."""
    world = domain.world()
    results = [world.call(action) for action in (*call.earlier, call.action)]
    return [results[-1], [[change.table, change.id, change.after] for change in world.delta()]]


def _binding(rule: Rule, trials: RuleTrials, seen: str, any_seen: bool) -> Iterator[Finding]:
    level: Level = "error"
    if trials.failed:
        found, expected = trials.failed, "True or False for each call that was executed"
        todo = "look rows up with .get(): the call may name what is not there"
    elif not any_seen:
        return  # no call that it could judge: `satisfiable` says so
    elif not trials.looking:
        found, expected = "it looks at nothing", "True or False by what the call, its result or the database says"
        found += ", so it forbids nothing"
        todo = "look at step.arguments, step.before, step.result ..., or take the rule out"
    elif not trials.broken:
        level, found = "warning", f"none of {seen} breaks it"
        expected = "a call that the tool executes and the rule forbids"
        todo = "look whether it can be broken at all; perhaps the tool refuses it already, then the rule is idle"
    elif not trials.kept:
        level, found, expected = "warning", f"each of {seen} breaks it", "a call that the rule allows"
        todo = "look whether it says the opposite of what it means, and whether the data hold a case that it allows"
    else:
        return
    yield Finding(level, "rules bind", f"rule {rule.name}", found, expected, todo)
