"""Gate 1c, policy: the domain's rules, run over the executed trace as a whole."""

from __future__ import annotations

from ..domain import Domain
from ..records import Blueprint, Verdict
from .execution import execute, executes


def obeys_policy(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Every rule holds at every step it binds, earlier steps included. None when the actions do not execute."""
    executed = executes(blueprint, domain)
    if executed is None or not executed.passed:
        return None
    broken = [
        (rule, number, step)
        for number, step in enumerate(execute(blueprint, domain).steps, 1)
        for rule in domain.rules_for([step.name])
        if not rule.holds(step)
    ]
    reason = "; ".join(f"action {number}, {step.action}, breaks the rule: {rule.text}" for rule, number, step in broken)
    return Verdict(gate="policy", passed=not broken, kind=broken[0][0].name if broken else "", reason=reason)
