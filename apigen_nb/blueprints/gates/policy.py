"""Gate 1c, policy: the domain's rules, run over the executed trace as a whole."""

from __future__ import annotations

from ...records import Blueprint, Verdict
from ...world.domain import Domain, Rule, Step
from .execution import Execution, execute, executes


def obeys_policy(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Every rule holds at every step it binds, earlier steps included. None when the actions do not execute."""
    executed = executes(blueprint, domain)
    if executed is None or not executed.passed:
        return None
    found = broken_rules(execute(blueprint, domain), domain)
    reason = "; ".join(f"action {number}, {step.action}, breaks the rule: {rule.text}" for rule, number, step in found)
    return Verdict(gate="policy", passed=not found, kind=found[0][0].name if found else "", reason=reason)


def broken_rules(execution: Execution, domain: Domain) -> list[tuple[Rule, int, Step]]:
    """The rules that an execution breaks, each with the number of the step and the step."""
    return [
        (rule, number, step)
        for number, step in enumerate(execution.steps, 1)
        for rule in domain.rules_for([step.name])
        if not rule.holds(step)
    ]
