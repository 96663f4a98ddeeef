"""Gate 1a, format: all parts are there and every action is a known writing tool with arguments that fit its schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...records import Action, Blueprint, Verdict
from ...world.domain import Domain
from ...world.world import Refusal
from .verdict import Problem, verdict_on


def well_formed(blueprint: Blueprint, domain: Domain) -> Verdict:
    """Name everything that is wrong with the form of a blueprint. An empty task is refused too: it would reward an
    agent that does nothing."""
    problems: list[Problem] = []
    if not blueprint.instruction.strip():
        problems.append(("no instruction", "the instruction is empty"))
    if not blueprint.actions and not blueprint.outputs:
        problems.append(("empty task", "there are neither actions nor outputs: doing nothing would be rewarded"))
    problems += wrong_calls(blueprint.actions, domain)
    problems += [("empty output", f"output {n} is empty") for n, o in enumerate(blueprint.outputs, 1) if not o.strip()]
    return verdict_on("format", problems)


def wrong_calls(actions: Sequence[Action], domain: Domain, what: str = "action") -> Iterator[Problem]:
    """Each problem with the form of these calls."""
    for number, action in enumerate(actions, 1):
        tool = domain.tools.get(action.name)
        if tool is None:
            known = ", ".join(name for name, tool in domain.tools.items() if tool.writes)
            yield "unknown tool", f"{what} {number}: no tool {action.name!r}; writing tools are {known}"
            continue
        if not tool.writes:
            yield "not a writing tool", f"{what} {number}: {action.name} changes nothing; only writes are actions"
        try:
            tool.check(action.arguments)
        except Refusal as refusal:
            yield refusal.kind, f"{what} {number}: {refusal}"
