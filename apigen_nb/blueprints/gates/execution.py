"""Gate 1b, execution: the actions run in order in a fresh world; a refused call fails the blueprint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...records import Action, Blueprint, Change, Verdict
from ...world.domain import Domain, Step
from ...world.world import Refusal, World
from .format import well_formed
from .verdict import Problem, verdict_on


@dataclass(frozen=True)
class Execution:
    """What happened when the actions ran: the steps that held, the world they left, and the refusal, if any."""

    steps: tuple[Step, ...]
    world: World
    refused: tuple[int, Action, Refusal] | None = None

    @property
    def diff(self) -> tuple[Change, ...]:
        return self.world.delta()


def run_actions(world: World, actions: Iterable[Action], user: str) -> Iterator[tuple[int, Action, Step | Refusal]]:
    """Run calls for a user one after the other: the number of each, counted from 1, and its step, or why it was refused
    (then it left no trace)."""
    steps: tuple[Step, ...] = ()
    for number, action in enumerate(actions, 1):
        before = world.fork()
        try:
            result = world.call(action)
        except Refusal as refusal:
            yield number, action, refusal
            continue
        steps = (*steps, Step(action, before.database(), world.fork().database(), result, user, steps))
        yield number, action, steps[-1]


def execute(blueprint: Blueprint, domain: Domain, actions: Sequence[Action] | None = None) -> Execution:
    """Run the groundtruth actions, or others in their place, on a fresh world, up to the first refusal."""
    world, steps = domain.world(), list[Step]()
    tried = blueprint.actions if actions is None else actions
    for number, action, outcome in run_actions(world, tried, blueprint.user):
        if isinstance(outcome, Refusal):
            return Execution(tuple(steps), world, (number, action, outcome))
        steps.append(outcome)
    return Execution(tuple(steps), world)


def executes(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """No action is refused, and together they change something. None when the form is wrong already."""
    if not well_formed(blueprint, domain).passed:
        return None
    execution, problems = execute(blueprint, domain), list[Problem]()
    if execution.refused:
        number, action, refusal = execution.refused
        problems.append((refusal.kind, f"action {number}, {action}: {refusal}"))
    elif blueprint.actions and not execution.diff:
        problems.append(("nothing changed", "the actions change nothing in the end"))
    return verdict_on("execution", problems)


def executed(blueprint: Blueprint, domain: Domain) -> Execution | None:
    """The execution of a blueprint that `executes`. None for any other: it leaves later gates nothing to judge."""
    verdict = executes(blueprint, domain)
    return execute(blueprint, domain) if verdict and verdict.passed else None
