"""Judge, reflect, try again (paper §3.1, gates 1 to 3): the loop that every blueprint goes through, drafted from a seed
or recombined of others. Every attempt is kept with its verdicts."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..models import Model, Unparsable, ask
from ..records import Attempt, Blueprint, Draft, Kind, Question, Verdict
from ..world.domain import Domain
from .gates import Gate
from .gates.execution import execute

TASK = ("instruction", "actions", "outputs", "denied", "withheld")
Write = Callable[[Sequence[Attempt], str], Awaitable[tuple[Draft, Blueprint]]]  # of the attempts so far and the plan


def waits(gate: Gate) -> bool:
    """Whether a gate asks a model."""
    return any(map(inspect.iscoroutinefunction, (gate, type(gate).__call__)))


async def judge(blueprint: Blueprint, domain: Domain, gates: Sequence[Gate]) -> tuple[Verdict, ...]:
    """The verdicts of all gates that have something to say. Plain gates are free and all speak; gates that wait for a
    model are asked only while nothing has failed. No verdict at all is a failure: nothing passes unjudged."""
    verdicts: list[Verdict] = []
    for gate in gates:
        if waits(gate) and any(not verdict.passed for verdict in verdicts):
            continue
        verdict = gate(blueprint, domain)
        verdict = await verdict if inspect.isawaitable(verdict) else verdict
        if verdict is not None:
            verdicts.append(verdict)
    return tuple(verdicts) or (Verdict(gate="none", passed=False, kind="not judged", reason="no gate gave a verdict"),)


async def tried(
    id: str,
    kind: Kind,
    write: Write,
    domain: Domain,
    *,
    feedback: Model | None,
    gates: Sequence[Gate],
    reflections: int,
    hopeless: frozenset[str] = frozenset(),
) -> tuple[Attempt, ...]:
    """Write, judge, and repair with reflection at most `reflections` times. `write` raises Unparsable for a reply that
    is none. Without a feedback model each try starts anew. What fails at a gate in `hopeless` is not tried again."""
    attempts: list[Attempt] = []
    while not attempts or not (attempts[-1].accepted or len(attempts) > reflections):
        if attempts and hopeless & {verdict.gate for verdict in attempts[-1].failures}:
            break
        plan = await _reflect(id, kind, attempts[-1], feedback) if attempts and feedback else ""
        attempts.append(await _attempt(write, attempts, plan, domain, gates))
    return tuple(attempts)


async def _attempt(
    write: Write, earlier: Sequence[Attempt], plan: str, domain: Domain, gates: Sequence[Gate]
) -> Attempt:
    number = len(earlier)
    try:
        draft, blueprint = await write(earlier, plan)
    except Unparsable as problem:
        reason = f"the reply is no blueprint: {problem}"
        verdict = Verdict(gate="format", passed=False, kind="reply unreadable", reason=reason)
        return Attempt(number=number, feedback=plan, verdicts=(verdict,))
    return Attempt(
        number=number,
        feedback=plan,
        thought=draft.thought,
        blueprint=blueprint,
        diff=execute(blueprint, domain).diff,
        verdicts=await judge(blueprint, domain, gates),
    )


def shown(blueprint: Blueprint | None) -> dict[str, Any] | str:
    """A blueprint as generators see it, '' for none."""
    return blueprint.model_dump(mode="json", include=set(TASK)) if blueprint else ""


def previous(earlier: Sequence[Attempt], plan: str) -> Blueprint | None:
    """The last blueprint that there is a plan to mend."""
    return next((attempt.blueprint for attempt in reversed(earlier) if plan and attempt.blueprint), None)


async def _reflect(id: str, kind: Kind, attempt: Attempt, feedback: Model) -> str:
    """All failures of an attempt, summarised into a plan by the feedback model. When it has nothing usable to say, the
    failures themselves are the plan."""
    failures = [{"gate": verdict.gate, "reason": verdict.reason} for verdict in attempt.failures]
    task = (
        attempt.blueprint.model_dump(mode="json")
        if attempt.blueprint
        else {name: "" if name == "instruction" else [] for name in TASK}
    )
    question = Question(
        id=f"{id}/a{attempt.number}/feedback",
        role="feedback",
        prompt="feedback",
        context={**{name: task[name] for name in TASK}, "kind": kind, "failures": failures},
    )
    answer = await ask(feedback, question)
    plan = "" if answer.error else answer.text.strip()
    return plan or "\n".join(f"{failure['gate']}: {failure['reason']}" for failure in failures)
