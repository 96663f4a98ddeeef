"""Phase 1 (paper §3.1): draft a blueprint from every seed, then recombine the accepted ones of one user."""

from __future__ import annotations

import functools
import itertools
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from ..models import NoAnswer
from ..models.jobs import run_jobs
from ..models.reply_schema import Schema, closed, closed_object, reply_schema
from ..models.roles import Roles
from ..records import Blueprint, Proposal
from ..storage.journal import Journal, Run
from ..world.domain import Domain
from .difficulty import level_prompt
from .gates import Gate
from .recombination import Combination, are_compatible, combination_assignment, draw_combinations
from .reflection import Assignment, draft_until_accepted, task_of
from .sampling import DEFAULT_SAMPLING, Sampling, Seed, kind_prompt, sample_seed, seed_id


class _Action(BaseModel):
    name: str
    arguments: dict[str, Any]


class _Reply(BaseModel):
    """The JSON a generator is asked for, in the order in which it is to be written."""

    thought: str
    instruction: str
    actions: list[_Action]
    outputs: list[str]
    denied: list[_Action]
    withheld: list[str]


POOL = 300  # accepted blueprints that examples are drawn from; more would make each seed dearer than the last


@functools.lru_cache(maxsize=8)
def draft_schema(domain: Domain) -> Schema:
    """The schema of a generator's reply, the same for all seeds of a domain: actions and denied wishes are calls of its
    writing tools with all their arguments."""
    schema = reply_schema(_Reply)
    calls = [
        closed_object({"name": {"type": "string", "enum": [tool.name]}, "arguments": closed(tool.parameters)})
        for tool in domain.tools.values()
        if tool.writes
    ]
    if not calls:
        return schema
    for name in ("actions", "denied"):
        schema["properties"][name]["items"] = {"$ref": "#/$defs/call"}
    return schema | {"$defs": {"call": {"anyOf": calls}}}


async def propose(seed: Seed, domain: Domain, **options: Any) -> Proposal:
    """Draft a blueprint from a seed; `options` are those of `draft_until_accepted`."""
    return await draft_until_accepted(seed_assignment(seed, domain), domain, **options)


def seed_assignment(seed: Seed, domain: Domain) -> Assignment:
    """What a seed asks of the generator. Policy and tools are those of the domain: a prompt begins with them, so that
    servers read them once for all seeds."""
    writing = [name for name in (*seed.walk, *seed.spare) if domain.tools[name].writes]
    sampled = seed.model_dump(mode="json", include={"user", "persona", "kind", "behaviour"})
    context = sampled | {
        "kind": kind_prompt(seed),
        "policy": domain.policy,
        "writes": [tool.schema for tool in domain.tools.values() if tool.writes],
        "reads": [tool.schema for tool in domain.tools.values() if not tool.writes],
        "rules": [text for text in seed.policy if text != domain.policy],
        "records": seed.records,
        "difficulty": level_prompt(seed.level, seed.kind, seed.writes),
        "walk": list(seed.walk),
        "spare": [name for name in writing if name not in seed.walk],
        "examples": [task_of(example) for example in seed.examples],
    }
    return Assignment(
        blueprint=Blueprint(id=seed.id, domain=seed.domain, **sampled, instruction="", actions=(), outputs=()),
        walk=seed.walk,
        level=seed.level,
        prompt="generator",
        context=context,
        reply=draft_schema(domain),
        examples=tuple(example.id for example in seed.examples),
    )


async def propose_all(
    domain: Domain,
    models: Roles,
    gates: Sequence[Gate],
    run: Run,
    *,
    count: int,
    random_seed: int,
    reflections: int = 3,
    concurrency: int = 32,
    round_size: int = 50,
    sampling: Sampling = DEFAULT_SAMPLING,
    recombined: float = 0.1,
) -> Sequence[Proposal]:
    """Phase 1 for seeds 0 … count-1, then for `recombined` × count combinations of what was accepted, or as many as
    there are: writes `blueprints.jsonl`, continues where an earlier run stopped. Examples come from the last accepted
    blueprints of earlier rounds, so neither concurrency nor interruption changes the outcome. What gets no answer is
    rejected for that reason and stays so."""
    journal, accepted = Journal(run.blueprints, Proposal), _Accepted()
    roles: dict[str, Any] = {"generator": models.generator, "feedback": models.feedback}
    draft = functools.partial(_draft, domain=domain, made=journal, **roles, gates=gates, reflections=reflections)
    draft_all = functools.partial(run_jobs, draft, journal=journal, concurrency=concurrency, title="blueprints")
    most = round(count * recombined)
    for start in range(0, count, round_size):
        draw = functools.partial(sample_seed, domain, random_seed, pool=tuple(accepted.examples), sampling=sampling)
        batch = [draw(number) for number in range(start, min(start + round_size, count))]
        made = await draft_all(batch, total=count + most)
        for seeded, proposal in zip(batch, made, strict=True):
            accepted.add(seeded, proposal)
    combined = draw_combinations(
        domain.name, accepted.plain, most, random_seed, lambda ids: are_compatible(_blueprints(journal, ids), domain)
    )
    await draft_all(combined, total=count + len(combined))
    ids = (seed_id(domain.name, number) for number in range(count))
    return journal.finish(itertools.chain(ids, (combination.id for combination in combined)))


@dataclass
class _Accepted:
    """What later work is drawn from: the last accepted blueprints, which are examples, and user → numbers of the seeds
    whose plain blueprint was accepted."""

    examples: deque[Blueprint] = field(default_factory=lambda: deque(maxlen=POOL))
    plain: dict[str, array[int]] = field(default_factory=dict)

    def add(self, seed: Seed, proposal: Proposal) -> None:
        if proposal.accepted:
            self.examples.append(proposal.blueprint)
            if proposal.kind == "plain":
                self.plain.setdefault(proposal.user, array("I")).append(seed.number)


async def _draft(task: Seed | Combination, *, domain: Domain, made: Journal[Proposal], **options: Any) -> Proposal:
    """Draft a blueprint from a seed, or from the blueprints that a combination names."""
    if isinstance(task, Seed):
        assignment = seed_assignment(task, domain)
    else:
        assignment = combination_assignment(task, _blueprints(made, task.parts), domain)
    try:
        return await draft_until_accepted(assignment, domain, **options)
    except NoAnswer as error:
        return assignment.unanswered(error)


def _blueprints(made: Journal[Proposal], ids: Sequence[str]) -> list[Blueprint]:
    return [made[id].blueprint for id in ids]
