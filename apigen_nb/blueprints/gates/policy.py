"""Gate 1c, policy: the domain's rules, run over the executed trace as a whole."""

from __future__ import annotations

from ...records import Blueprint, Verdict
from ...world.domain import Domain, Rule, Step
from .execution import Execution, executed
from .verdict import verdict_on


def obeys_policy(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Every rule holds at every step it binds, earlier steps included. None when the actions do not execute."""
    if (execution := executed(blueprint, domain)) is None:
        return None
    broken = broken_rules(execution, domain)
    problems = [(rule.name, f"action {n}, {step.action}, breaks the rule: {rule.text}") for rule, n, step in broken]
    return verdict_on("policy", problems)


def broken_rules(execution: Execution, domain: Domain) -> list[tuple[Rule, int, Step]]:
    """The rules that an execution breaks, each with the number of the step and the step."""
    return [
        (rule, number, step)
        for number, step in enumerate(execution.steps, 1)
        for rule in domain.rules_for([step.name])
        if not rule.holds(step)
    ]
