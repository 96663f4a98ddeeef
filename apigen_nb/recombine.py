"""Reverse task recombination (paper §3.1): two to four accepted blueprints of one user become one longer task.

The paper concatenates actions and outputs and has the model word one instruction. Ours also runs the actions together
from a fresh world and holds the joint trace against the policy: what is allowed alone may not be allowed after the
other (return and cancel the same order). Such a conflict ends the matter, because no wording can mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel, Field, ValidationError

from .domain import Domain
from .gates import Gate
from .models import Model, Unparsable, ask, metered, read_json
from .records import Attempt, Blueprint, Draft, Proposal, Question
from .reflection import previous, shown, tried
from .sampling import seed_id

SIZES = (2, 2, 2, 3, 3, 4)  # parts of a combination, drawn from these
JOINT = frozenset({"execution", "policy", "kind"})  # gates whose verdict no other wording changes


class _Reply(BaseModel):
    """The JSON a generator is asked for: the calls and outputs are given."""

    thought: str = Field(description="how the wishes hang together in one visit")
    instruction: str = Field(description="all that the user wants, in the second person")


REPLY = _Reply.model_json_schema()


@dataclass(frozen=True, slots=True)
class Combination:
    """The ids of blueprints of one user that are to become one task, in the order in which their actions run."""

    id: str
    user: str
    parts: tuple[str, ...]


def combinations(domain: str, owned: Mapping[str, Sequence[int]], count: int, seed: int) -> list[Combination]:
    """At most `count` different combinations; fewer when there are not so many. `owned` is user → numbers of the seeds
    whose plain blueprint was accepted. Each user with two or more comes once before any comes again."""
    rng = Random(f"{domain}/{seed}/recombine")
    users = sorted(user for user, numbers in owned.items() if len(numbers) > 1)
    made: dict[tuple[int, ...], str] = {}
    fruitless = 0
    while len(made) < count and users and fruitless < 3:  # rounds; a user's few combinations are soon all taken
        rng.shuffle(users)
        before = len(made)
        for user in users[: count - len(made)]:
            size = min(rng.choice(SIZES), len(owned[user]))
            made.setdefault(tuple(sorted(rng.sample(sorted(owned[user]), size))), user)
        fruitless = fruitless + 1 if len(made) == before else 0
    prefix = domain.replace(":", "-")
    return [
        Combination(f"{prefix}-r{number:05d}", user, tuple(seed_id(domain, part) for part in parts))
        for number, (parts, user) in enumerate(made.items())
    ]


async def recombine(
    combination: Combination,
    parts: Sequence[Blueprint],
    domain: Domain,
    *,
    generator: Model,
    feedback: Model | None,
    gates: Sequence[Gate],
    reflections: int = 3,
) -> Proposal:
    """One task of several: their actions and outputs in order, under one instruction, through all gates. ValueError
    unless there are two parts at least, all plain and of one user."""
    if len(parts) < 2 or len({part.user for part in parts}) > 1 or any(part.kind != "plain" for part in parts):
        raise ValueError(f"{combination.id}: expected two or more plain blueprints of one user, found {parts!r:.200}")
    outputs = tuple(dict.fromkeys(output for part in parts for output in part.outputs))
    joint = parts[0].model_copy(
        update={
            "id": combination.id,
            "actions": tuple(action for part in parts for action in part.actions),
            "outputs": outputs,
            "parts": combination.parts,
        }
    )

    async def write(earlier: Sequence[Attempt], plan: str) -> tuple[Draft, Blueprint]:
        question = Question(
            id=f"{combination.id}/a{len(earlier)}/generator",
            role="generator",
            prompt="recombine",
            context={
                "instructions": [part.instruction for part in parts],
                "actions": [action.model_dump() for action in joint.actions],
                "outputs": list(outputs),
                "persona": joint.persona,
                "behaviour": joint.behaviour,
                "user": joint.user,
                "previous": shown(previous(earlier, plan)),
                "feedback": plan,
            },
            reply=REPLY,
            sample=0 if plan else len(earlier),
        )
        try:
            reply = _Reply.model_validate(read_json(await ask(generator, question)))
        except ValidationError as error:
            raise Unparsable("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from None
        draft = Draft(thought=reply.thought, instruction=reply.instruction, actions=joint.actions, outputs=outputs)
        return draft, joint.model_copy(update={"instruction": reply.instruction})

    with metered() as usage:
        attempts = await tried(
            combination.id,
            "plain",
            write,
            domain,
            feedback=feedback,
            gates=gates,
            reflections=reflections,
            hopeless=JOINT,
        )
    return Proposal(
        id=combination.id,
        domain=domain.name,
        user=joint.user,
        walk=tuple(dict.fromkeys(action.name for action in joint.actions)),
        persona=joint.persona,
        examples=(),
        attempts=attempts,
        accepted=attempts[-1].accepted,
        behaviour=joint.behaviour,
        level="hard",
        parts=combination.parts,
        usage=usage,
    )
