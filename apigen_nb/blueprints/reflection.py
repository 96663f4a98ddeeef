"""Draft, judge, reflect, try again (paper §3.1, gates 1 to 3): the loop that every blueprint goes through, drafted from
a seed or recombined of others. Every attempt is kept with its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..models import Model, NoAnswer, Question, Unparsable, ask, ask_for, metered
from ..models.reply_schema import without_nulls
from ..records import NO_ANSWER, Action, Attempt, Blueprint, Level, Proposal, Record, Role, Usage, Verdict
from ..world.domain import Domain
from .gates import Gate, asks_model, run_gates
from .gates.evidence import bearing_records
from .gates.execution import execute

TASK = ("instruction", "actions", "outputs", "denied", "withheld")


class Draft(Record):
    """What the generator answers (paper §3.1): a thought, the instruction, the groundtruth actions, the outputs; ours:
    what a hard behaviour needs, `denied` and `withheld` (see `Blueprint`)."""

    thought: str = ""
    instruction: str
    actions: tuple[Action, ...]
    outputs: tuple[str, ...]
    denied: tuple[Action, ...] = ()
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """What a generator is to draft. `blueprint` holds what is known before it replies, `settled` are the parts of its
    draft that it has no say in; `prompt`, `context` and `reply` are those of the question. `gates` judge beside those
    of the run; what fails at a gate named in `final` is not tried again, because no other draft could pass."""

    blueprint: Blueprint
    walk: tuple[str, ...]
    level: Level
    prompt: str
    context: Mapping[str, Any]
    reply: dict[str, Any]
    examples: tuple[str, ...] = ()
    settled: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    final: frozenset[str] = frozenset()

    def proposal(self, attempts: Sequence[Attempt], usage: dict[Role, Usage]) -> Proposal:
        """The record of these attempts."""
        known = self.blueprint.model_dump(include={"id", "domain", "user", "persona", "kind", "behaviour", "parts"})
        return Proposal(
            **known,
            walk=self.walk,
            examples=self.examples,
            attempts=tuple(attempts),
            accepted=attempts[-1].accepted,
            level=self.level,
            usage=usage,
        )

    def unanswered(self, error: NoAnswer) -> Proposal:
        """The record when a model gave no answer: rejected for that reason."""
        verdict = Verdict(gate="format", passed=False, kind=NO_ANSWER, reason=str(error))
        return self.proposal([Attempt(number=0, verdicts=(verdict,))], {})


async def draft_until_accepted(
    assignment: Assignment,
    domain: Domain,
    *,
    generator: Model,
    feedback: Model | None,
    gates: Sequence[Gate],
    reflections: int = 3,
) -> Proposal:
    """Draft, judge, and repair with reflection at most `reflections` times (the paper: 3 in retail, 5 in airline).
    Without a feedback model each try starts anew, knowing nothing of those before."""
    if assignment.gates:
        gates = sorted((*gates, *assignment.gates), key=asks_model)  # what is free comes first
    attempts: list[Attempt] = []
    with metered() as usage:
        for _ in range(1 + reflections):
            plan = await _reflect(assignment.blueprint, attempts[-1], feedback, domain) if attempts and feedback else ""
            attempts.append(await _attempt(assignment, attempts, plan, domain, generator, gates))
            if attempts[-1].accepted or assignment.final & {verdict.gate for verdict in attempts[-1].failures}:
                break
    return assignment.proposal(attempts, usage)


async def _attempt(
    assignment: Assignment,
    earlier: Sequence[Attempt],
    plan: str,
    domain: Domain,
    generator: Model,
    gates: Sequence[Gate],
) -> Attempt:
    number, question = len(earlier), _question(assignment, earlier, plan)
    try:
        draft = await ask_for(generator, question, Draft, **assignment.settled)
    except Unparsable as problem:
        reason = f"the reply is no blueprint: {problem}"
        verdict = Verdict(gate="format", passed=False, kind="reply unreadable", reason=reason)
        return Attempt(number=number, feedback=plan, verdicts=(verdict,))
    task: dict[str, Any] = {name: getattr(draft, name) for name in TASK}
    task |= {name: tuple(_without_nulls(call, domain) for call in task[name]) for name in ("actions", "denied")}
    blueprint = assignment.blueprint.model_copy(update=task)
    return Attempt(
        number=number,
        feedback=plan,
        thought=draft.thought,
        blueprint=blueprint,
        diff=execute(blueprint, domain).diff,
        verdicts=await run_gates(blueprint, domain, gates),
    )


def _without_nulls(call: Action, domain: Domain) -> Action:
    """A call without the nulls that stand for arguments left out: servers that constrain replies have all of them."""
    if call.name not in domain.tools:
        return call
    return call.model_copy(update={"arguments": without_nulls(call.arguments, domain.tools[call.name].parameters)})


def _question(assignment: Assignment, earlier: Sequence[Attempt], plan: str) -> Question:
    """What the generator is asked: for another draft, or to mend the last blueprint where there is a plan."""
    previous = next((attempt.blueprint for attempt in reversed(earlier) if plan and attempt.blueprint), None)
    return Question(
        id=f"{assignment.blueprint.id}/a{len(earlier)}/generator",
        role="generator",
        prompt=assignment.prompt,
        context={**assignment.context, "previous": task_of(previous) if previous else "", "feedback": plan},
        reply=assignment.reply,
        sample=0 if plan else len(earlier),
    )


def task_of(blueprint: Blueprint) -> dict[str, Any]:
    """A blueprint as generators see it: the task alone."""
    return blueprint.model_dump(mode="json", include=set(TASK))


async def _reflect(blueprint: Blueprint, attempt: Attempt, feedback: Model, domain: Domain) -> str:
    """All failures of an attempt, summarised into a plan by the feedback model. When it has nothing usable to say, the
    failures themselves are the plan."""
    drafted = attempt.blueprint or blueprint
    failures = [{"gate": verdict.gate, "reason": verdict.reason} for verdict in attempt.failures]
    question = Question(
        id=f"{blueprint.id}/a{attempt.number}/feedback",
        role="feedback",
        prompt="feedback",
        context={
            "policy": domain.policy,
            **task_of(drafted),
            "user": blueprint.user,
            "kind": blueprint.kind,
            "records": bearing_records(drafted, domain),
            "failures": failures,
        },
    )
    answer = await ask(feedback, question)
    plan = "" if answer.error else answer.text.strip()
    return plan or "\n".join(f"{failure['gate']}: {failure['reason']}" for failure in failures)
