"""Gate 1a, format: all parts are there and every action is a known writing tool with arguments that fit its schema."""

from __future__ import annotations

from ..domain import Domain
from ..records import Blueprint, Verdict
from ..world import Refusal


def well_formed(blueprint: Blueprint, domain: Domain) -> Verdict:
    """Name everything that is wrong with the form of a blueprint. An empty task is refused too: it would reward an
    agent that does nothing."""
    problems: list[tuple[str, str]] = []
    if not blueprint.instruction.strip():
        problems.append(("no instruction", "the instruction is empty"))
    if not blueprint.actions and not blueprint.outputs:
        problems.append(("empty task", "there are neither actions nor outputs: doing nothing would be rewarded"))
    for number, action in enumerate(blueprint.actions, 1):
        tool = domain.tools.get(action.name)
        if tool is None:
            known = ", ".join(name for name, tool in domain.tools.items() if tool.writes)
            problems.append(("unknown tool", f"action {number}: no tool {action.name!r}; writing tools are {known}"))
            continue
        if not tool.writes:
            problems.append(
                ("not a writing tool", f"action {number}: {action.name} changes nothing; only writes are actions")
            )
        try:
            tool.check(action.arguments)
        except Refusal as refusal:
            problems.append((refusal.kind, f"action {number}: {refusal}"))
    problems += [("empty output", f"output {n} is empty") for n, o in enumerate(blueprint.outputs, 1) if not o.strip()]
    kind = problems[0][0] if problems else ""
    return Verdict(gate="format", passed=not problems, kind=kind, reason="; ".join(text for _, text in problems))
