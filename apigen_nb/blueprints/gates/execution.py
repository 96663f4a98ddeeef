"""Gate 1b, execution: the actions run in order in a fresh world; a refused call fails the blueprint."""

from __future__ import annotations

from dataclasses import dataclass

from ...records import Action, Blueprint, Change, Verdict
from ...world.domain import Domain, Step
from ...world.world import Refusal, World
from .format import well_formed


@dataclass(frozen=True)
class Execution:
    """What happened when the actions ran: the steps that held, the world they left, and the refusal, if any."""

    steps: tuple[Step, ...]
    world: World
    refused: tuple[int, Action, Refusal] | None = None

    @property
    def diff(self) -> tuple[Change, ...]:
        return self.world.delta()


def execute(blueprint: Blueprint, domain: Domain) -> Execution:
    """Run the groundtruth actions on a fresh world, up to the first refusal."""
    world = domain.world()
    steps: tuple[Step, ...] = ()
    for number, action in enumerate(blueprint.actions, 1):
        before = world.fork()
        try:
            result = world.call(action)
        except Refusal as refusal:
            return Execution(steps, world, (number, action, refusal))
        after = world.fork()
        steps = (*steps, Step(action, before.database(), after.database(), result, blueprint.user, steps))
    return Execution(steps, world)


def executes(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """No action is refused, and together they change something. None when the form is wrong already."""
    if not well_formed(blueprint, domain).passed:
        return None
    execution = execute(blueprint, domain)
    if execution.refused:
        number, action, refusal = execution.refused
        return Verdict(
            gate="execution", passed=False, kind=refusal.kind, reason=f"action {number}, {action}: {refusal}"
        )
    if blueprint.actions and not execution.diff:
        return Verdict(
            gate="execution", passed=False, kind="nothing changed", reason="the actions change nothing in the end"
        )
    return Verdict(gate="execution", passed=True)
