"""A rollout: what the simulated user sees, what the agent sees, and the world that the conversation is held in.

The kind of a blueprint takes tools away, lets one fail, or amends the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..models import Question
from ..records import Blueprint, Message
from ..world.domain import Domain
from ..world.world import World

TOGETHER = (
    "\n\n## Amendment for this conversation\n\nCalls of tools that do not depend on each other may be made together in "
    "one message, once the customer has confirmed all of them. This replaces every rule above of one call at a time.\n"
)


@dataclass(frozen=True)
class Rollout:
    """A conversation that is to be held: attempt `number` at a blueprint. Its id is known before the work."""

    blueprint: Blueprint
    number: int

    @property
    def id(self) -> str:
        return trajectory_id(self.blueprint.id, self.number)


def trajectory_id(blueprint: str, number: int) -> str:
    """The id of attempt `number` at a blueprint."""
    return f"{blueprint}.t{number}"


def user_question(rollout: Rollout, messages: Sequence[Message]) -> Question:
    """What the simulated user sees: instruction, persona, behaviour, what it tells only when asked, and what was said.
    Never tools, calls, results, policy, groundtruth actions, expected outputs or what the agent's server keeps."""
    blueprint = rollout.blueprint
    bare = {"tool_calls": (), "opaque": None}
    return Question(
        id=f"{rollout.id}/user/{len(messages)}",
        role="user",
        prompt="user",
        context={
            "instruction": blueprint.instruction,
            "persona": blueprint.persona,
            "behaviour": blueprint.behaviour,
            "withheld": list(blueprint.withheld),
        },
        messages=tuple(m.model_copy(update=bare) for m in messages if m.role != "tool" and m.content),
        sample=rollout.number - 1,
    )


def agent_question(rollout: Rollout, domain: Domain, messages: Sequence[Message]) -> Question:
    """What the agent sees: policy, tools and the conversation with its calls and results. Never the instruction, the
    groundtruth actions or the expected outputs."""
    return Question(
        id=f"{rollout.id}/agent/{len(messages)}",
        role="agent",
        prompt="agent",
        context={"policy": policy_for(rollout.blueprint, domain)},
        messages=tuple(messages),
        tools=offered_tools(rollout.blueprint, domain),
        sample=rollout.number - 1,
    )


def rollout_world(blueprint: Blueprint, domain: Domain) -> World:
    """A fresh world for a conversation about this blueprint; of a tool error, the first action's tool fails once."""
    failing = blueprint.actions[:1] if blueprint.kind == "tool error" else ()
    return domain.world(_removed(blueprint), [action.name for action in failing])


def offered_tools(blueprint: Blueprint, domain: Domain) -> tuple[dict[str, Any], ...]:
    """The tools that the agent is offered, in the OpenAI function format."""
    gone = _removed(blueprint)
    return tuple(s for s in domain.schemas if s["function"]["name"] not in gone) if gone else domain.schemas


def _removed(blueprint: Blueprint) -> frozenset[str]:
    """The tools that are taken away: those of the wishes, where the kind is a missing tool."""
    return frozenset(a.name for a in blueprint.denied) if blueprint.kind == "missing tool" else frozenset()


def policy_for(blueprint: Blueprint, domain: Domain) -> str:
    """The policy that the agent reads. Policies that ask for one call at a time are amended where the kind asks for
    calls in one message."""
    return domain.policy + TOGETHER if blueprint.kind == "parallel calls" else domain.policy
