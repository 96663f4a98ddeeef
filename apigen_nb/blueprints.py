"""Phase 1 (paper §3.1): draft a blueprint, judge it, reflect, try again. Every attempt is kept with its verdicts."""

from __future__ import annotations

import functools
import inspect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from .difficulty import ASKED
from .domain import Domain
from .gates import Gate
from .gates.execution import execute
from .models import Model, Unparsable, ask, metered, read_json
from .models.cast import Cast
from .records import Attempt, Blueprint, Draft, Proposal, Question, Seed, Verdict
from .sampling import DEFAULT, Sampling, sample, seed_id
from .store import Journal, Run, each


class _Action(BaseModel):
    name: str = Field(description="name of a writing tool")
    arguments: dict[str, Any] = Field(description="all its arguments, exact")


class _Reply(BaseModel):
    """The JSON a generator is asked for."""

    thought: str = Field(description="what the user could want and how the policy bears on it")
    instruction: str = Field(description="what the user wants, in the second person")
    actions: list[_Action] = Field(description="the groundtruth: writing calls in order")
    outputs: list[str] = Field(description="what the agent must tell the user")
    denied: list[_Action] = Field([], description="calls for wishes that must come to nothing, by kind")
    withheld: list[str] = Field([], description="details told only when asked, by kind")


REPLY = _Reply.model_json_schema()
POOL = 300  # accepted blueprints that examples are drawn from; more would make each seed dearer than the last
TASK = ("instruction", "actions", "outputs", "denied", "withheld")


def read_draft(reply: dict[str, Any]) -> Draft:
    """A draft from a generator's reply. Unparsable names each part that is missing or of the wrong type."""
    try:
        draft = Draft.model_validate({name: reply[name] for name in Draft.model_fields if name in reply})
        if Draft.model_validate_json(draft.line()) != draft:
            raise Unparsable("it holds values that JSON has not")
        return draft
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:6])
        raise Unparsable(problems) from None
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"it cannot be written down: {error}") from None


async def judge(blueprint: Blueprint, domain: Domain, gates: Sequence[Gate]) -> tuple[Verdict, ...]:
    """The verdicts of all gates that have something to say. Plain gates are free and all speak; gates that wait for a
    model are asked only while nothing has failed. No verdict at all is a failure: nothing passes unjudged."""
    verdicts: list[Verdict] = []
    for gate in gates:
        costs = any(map(inspect.iscoroutinefunction, (gate, type(gate).__call__)))
        if costs and any(not verdict.passed for verdict in verdicts):
            continue
        verdict = gate(blueprint, domain)
        verdict = await verdict if inspect.isawaitable(verdict) else verdict
        if verdict is not None:
            verdicts.append(verdict)
    return tuple(verdicts) or (Verdict(gate="none", passed=False, kind="not judged", reason="no gate gave a verdict"),)


async def propose(
    seed: Seed, domain: Domain, *, generator: Model, feedback: Model | None, gates: Sequence[Gate], reflections: int = 3
) -> Proposal:
    """Draft from a seed, judge, and repair with reflection at most `reflections` times (the paper: 3 in
    retail, 5 in airline). Without a feedback model each try starts anew, knowing nothing of those before."""
    attempts: list[Attempt] = []
    with metered() as usage:
        while not attempts or not (attempts[-1].accepted or len(attempts) > reflections):
            plan = await _reflect(seed, attempts[-1], feedback) if attempts and feedback else ""
            attempts.append(await _attempt(seed, domain, generator, gates, attempts, plan))
    return Proposal(
        id=seed.id,
        domain=domain.name,
        user=seed.user,
        walk=seed.walk,
        persona=seed.persona,
        examples=tuple(example.id for example in seed.examples),
        attempts=tuple(attempts),
        accepted=attempts[-1].accepted,
        kind=seed.kind,
        behaviour=seed.behaviour,
        level=seed.level,
        usage=usage,
    )


async def _attempt(
    seed: Seed, domain: Domain, generator: Model, gates: Sequence[Gate], earlier: list[Attempt], plan: str
) -> Attempt:
    number, offered = len(earlier), (*seed.walk, *seed.spare)
    question = Question(
        id=f"{seed.id}/a{number}/generator",
        role="generator",
        prompt="generator",
        context={
            "policy": list(seed.policy),
            "tools": [domain.tools[name].schema for name in offered],
            "writing": [name for name in offered if domain.tools[name].writes],
            "records": seed.records,
            "user": seed.user,
            "persona": seed.persona,
            "behaviour": seed.behaviour,
            "kind": seed.kind,
            "difficulty": ASKED[seed.level],
            "walk": list(seed.walk),
            "examples": [_task(example) for example in seed.examples],
            "previous": _task(next((a.blueprint for a in reversed(earlier) if plan and a.blueprint), None)),
            "feedback": plan,
        },
        reply=REPLY,
        sample=0 if plan else number,
    )
    try:
        draft = read_draft(read_json(await ask(generator, question)))
    except Unparsable as problem:
        verdict = Verdict(
            gate="format", passed=False, kind="reply unreadable", reason=f"the reply is no blueprint: {problem}"
        )
        return Attempt(number=number, feedback=plan, verdicts=(verdict,))
    blueprint = Blueprint(
        id=seed.id,
        domain=domain.name,
        user=seed.user,
        persona=seed.persona,
        instruction=draft.instruction,
        actions=draft.actions,
        outputs=draft.outputs,
        kind=seed.kind,
        behaviour=seed.behaviour,
        denied=draft.denied,
        withheld=draft.withheld,
    )
    verdicts = await judge(blueprint, domain, gates)
    return Attempt(
        number=number,
        feedback=plan,
        thought=draft.thought,
        blueprint=blueprint,
        diff=execute(blueprint, domain).diff,
        verdicts=verdicts,
    )


def _task(blueprint: Blueprint | None) -> dict[str, Any] | str:
    return blueprint.model_dump(mode="json", include=set(TASK)) if blueprint else ""


async def _reflect(seed: Seed, attempt: Attempt, feedback: Model) -> str:
    """All failures of an attempt, summarised into a plan by the feedback model. When it has nothing usable to say, the
    failures themselves are the plan."""
    failures = [{"gate": verdict.gate, "reason": verdict.reason} for verdict in attempt.failures]
    task = (
        attempt.blueprint.model_dump(mode="json")
        if attempt.blueprint
        else {name: "" if name == "instruction" else [] for name in TASK}
    )
    question = Question(
        id=f"{seed.id}/a{attempt.number}/feedback",
        role="feedback",
        prompt="feedback",
        context={**{name: task[name] for name in TASK}, "kind": seed.kind, "failures": failures},
    )
    answer = await ask(feedback, question)
    plan = "" if answer.error else answer.text.strip()
    return plan or "\n".join(f"{failure['gate']}: {failure['reason']}" for failure in failures)


@dataclass(frozen=True)
class _Phase1:
    """The work on one seed, for `store.each`."""

    domain: Domain
    cast: Cast
    gates: tuple[Gate, ...]
    reflections: int

    async def __call__(self, seed: Seed) -> Proposal:
        return await propose(
            seed,
            self.domain,
            generator=self.cast.generator,
            feedback=self.cast.feedback,
            gates=self.gates,
            reflections=self.reflections,
        )


async def propose_all(
    domain: Domain,
    cast: Cast,
    gates: Sequence[Gate],
    run: Run,
    *,
    seeds: int,
    seed: int,
    reflections: int = 3,
    concurrency: int = 32,
    round_size: int = 50,
    sampling: Sampling = DEFAULT,
) -> Sequence[Proposal]:
    """Phase 1 for seeds 0 … seeds-1: writes `blueprints.jsonl`, continues where an earlier run stopped. Examples come
    from the last accepted blueprints of earlier rounds, so neither concurrency nor interruption changes the outcome."""
    journal = Journal(run.blueprints, Proposal)
    work = _Phase1(domain, cast, tuple(gates), reflections)
    pool: deque[Blueprint] = deque(maxlen=POOL)
    for start in range(0, seeds, round_size):
        draw = functools.partial(sample, domain, seed, pool=tuple(pool), sampling=sampling)
        batch = [draw(number) for number in range(start, min(start + round_size, seeds))]
        made = await each(work, batch, journal, concurrency=concurrency, title="blueprints", total=seeds)
        if len(made) < len(batch):
            break  # the next round would draw its examples from another pool than an undisturbed run
        pool.extend(proposal.blueprint for proposal in made if proposal.accepted)
    return journal.finish(seed_id(domain.name, number) for number in range(seeds))
