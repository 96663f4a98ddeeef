"""Phase 1 (paper §3.1): draft a blueprint, judge it, reflect, try again. Every attempt is kept with its verdicts."""

from __future__ import annotations

import functools
import itertools
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from ..models import Model, NoAnswer, Unparsable, ask, metered, read_json
from ..models.jobs import run_jobs
from ..models.roles import Roles
from ..records import NO_ANSWER, Attempt, Blueprint, Draft, Proposal, Question, Role, Seed, Usage, Verdict
from ..storage.journal import Journal, Run
from ..world.domain import Domain
from .difficulty import LEVEL_PROMPTS
from .gates import Gate
from .recombination import Combination, combinations, compatible, recombine
from .reflection import previous, shown, tried
from .sampling import DEFAULT, Sampling, sample_seed, seed_id


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


async def propose(
    seed: Seed, domain: Domain, *, generator: Model, feedback: Model | None, gates: Sequence[Gate], reflections: int = 3
) -> Proposal:
    """Draft from a seed, judge, and repair with reflection at most `reflections` times (the paper: 3 in
    retail, 5 in airline). Without a feedback model each try starts anew, knowing nothing of those before."""

    async def write(earlier: Sequence[Attempt], plan: str) -> tuple[Draft, Blueprint]:
        draft = read_draft(read_json(await ask(generator, _question(seed, domain, earlier, plan))))
        return draft, _blueprint(seed, draft)

    with metered() as usage:
        attempts = await tried(
            seed.id, seed.kind, write, domain, feedback=feedback, gates=gates, reflections=reflections
        )
    return _proposal(seed, attempts, usage)


def _proposal(seed: Seed, attempts: tuple[Attempt, ...], usage: dict[Role, Usage]) -> Proposal:
    return Proposal(
        id=seed.id,
        domain=seed.domain,
        user=seed.user,
        walk=seed.walk,
        persona=seed.persona,
        examples=tuple(example.id for example in seed.examples),
        attempts=attempts,
        accepted=attempts[-1].accepted,
        kind=seed.kind,
        behaviour=seed.behaviour,
        level=seed.level,
        usage=usage,
    )


def _question(seed: Seed, domain: Domain, earlier: Sequence[Attempt], plan: str) -> Question:
    offered = (*seed.walk, *seed.spare)
    return Question(
        id=f"{seed.id}/a{len(earlier)}/generator",
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
            "difficulty": LEVEL_PROMPTS[seed.level],
            "walk": list(seed.walk),
            "examples": [shown(example) for example in seed.examples],
            "previous": shown(previous(earlier, plan)),
            "feedback": plan,
        },
        reply=REPLY,
        sample=0 if plan else len(earlier),
    )


def _blueprint(seed: Seed, draft: Draft) -> Blueprint:
    return Blueprint(
        id=seed.id,
        domain=seed.domain,
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


@dataclass(frozen=True)
class _Phase1:
    """The work on one seed, for `run_jobs`."""

    domain: Domain
    models: Roles
    gates: tuple[Gate, ...]
    reflections: int

    async def __call__(self, seed: Seed) -> Proposal:
        try:
            return await propose(
                seed,
                self.domain,
                generator=self.models.generator,
                feedback=self.models.feedback,
                gates=self.gates,
                reflections=self.reflections,
            )
        except NoAnswer as error:
            return _proposal(seed, _unanswered(error), {})


def _unanswered(error: NoAnswer) -> tuple[Attempt, ...]:
    verdict = Verdict(gate="format", passed=False, kind=NO_ANSWER, reason=str(error))
    return (Attempt(number=0, verdicts=(verdict,)),)


async def propose_all(
    domain: Domain,
    models: Roles,
    gates: Sequence[Gate],
    run: Run,
    *,
    seeds: int,
    seed: int,
    reflections: int = 3,
    concurrency: int = 32,
    round_size: int = 50,
    sampling: Sampling = DEFAULT,
    recombined: float = 0.1,
) -> Sequence[Proposal]:
    """Phase 1 for seeds 0 … seeds-1, then for `recombined` × seeds combinations of what was accepted, or as many as
    there are: writes `blueprints.jsonl`, continues where an earlier run stopped. Examples come from the last accepted
    blueprints of earlier rounds, so neither concurrency nor interruption changes the outcome. What gets no answer is
    rejected for that reason and stays so."""
    journal = Journal(run.blueprints, Proposal)
    work = _Phase1(domain, models, tuple(gates), reflections)
    pool: deque[Blueprint] = deque(maxlen=POOL)
    owned: dict[str, array[int]] = {}  # user → numbers of seeds
    more = round(seeds * recombined)
    each_of = functools.partial(run_jobs, journal=journal, concurrency=concurrency, title="blueprints")

    def blueprints(ids: Sequence[str]) -> list[Blueprint]:
        return [journal.done[id].blueprint for id in ids]

    def holds(ids: Sequence[str]) -> bool:
        return compatible(blueprints(ids), domain)

    async def combine(combination: Combination) -> Proposal:
        parts = blueprints(combination.parts)
        roles = {"generator": models.generator, "feedback": models.feedback}
        try:
            return await recombine(combination, parts, domain, **roles, gates=work.gates, reflections=reflections)
        except NoAnswer as error:
            return Proposal(
                id=combination.id,
                domain=domain.name,
                user=combination.user,
                walk=(),
                persona=parts[0].persona,
                examples=(),
                attempts=_unanswered(error),
                accepted=False,
                behaviour=parts[0].behaviour,
                level="hard",
                parts=combination.parts,
            )

    for start in range(0, seeds, round_size):
        draw = functools.partial(sample_seed, domain, seed, pool=tuple(pool), sampling=sampling)
        batch = [draw(number) for number in range(start, min(start + round_size, seeds))]
        made = await each_of(work, batch, total=seeds + more)
        for seeded, proposal in zip(batch, made, strict=True):
            if proposal.accepted:
                pool.append(proposal.blueprint)
                if proposal.kind == "plain":
                    owned.setdefault(proposal.user, array("I")).append(seeded.number)
    combined = combinations(domain.name, owned, more, seed, holds)
    await each_of(combine, combined, total=seeds + len(combined))
    ids = (seed_id(domain.name, number) for number in range(seeds))
    return journal.finish(itertools.chain(ids, (combination.id for combination in combined)))
