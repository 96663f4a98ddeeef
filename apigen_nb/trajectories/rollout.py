"""A rollout: what the simulated user sees, what the agent sees, and the world that the conversation is held in.

The kind of a blueprint gives the user a part, takes tools away, lets one fail, or amends the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models import Question
from ..records import Blueprint, Kind, Message
from ..world.domain import Domain
from ..world.identification import profile
from ..world.values import mentions
from ..world.world import World

TOGETHER = (
    "\n\n## Amendment for this conversation\n\nWhen the customer wants several things done that do not depend on each "
    "other, ask for one confirmation of all of them, then make the calls that write together in one message, not one "
    "after the other. This replaces every rule above of one call at a time.\n"
)
ASK_ALL = (
    "Ask for everything that the notes want, whatever you think of its chances. When the agent says no to a wish for "
    "good, accept that, and go on with the rest."
)
HOLD_BACK = "Keep the details named below to yourself until the agent asks for them; then tell them."
PARTS: dict[Kind, str] = {
    "missing detail": f"{ASK_ALL} {HOLD_BACK}",
    "change of mind": "Ask for what the notes want first, and hear what the agent says to it. Do not agree to it: say "
    "that you have changed your mind and ask for what you want instead.",
    "no tool": "Chat a little, as people do, and ask your question. You need nothing done.",
    "parallel calls": "Ask for everything in your first message, with all that it takes; when the agent asks "
    "whether to go ahead, agree to all of it together.",
}


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


def user_question(rollout: Rollout, domain: Domain, messages: Sequence[Message]) -> Question:
    """What the simulated user sees: whom it writes to and when, instruction, what it knows of itself, persona,
    behaviour, its part, what it tells only when asked, and what was said. Never the agent's thoughts, tools, calls,
    results, policy, other rows or parts of its own, groundtruth actions, expected outputs or what the agent's server
    keeps."""
    blueprint = rollout.blueprint
    bare = {"tool_calls": (), "opaque": None}
    return Question(
        id=f"{rollout.id}/user/{len(messages)}",
        role="user",
        prompt="user",
        context=user_notes(blueprint, domain) | {"persona": blueprint.persona, "behaviour": blueprint.behaviour},
        messages=_seen_by("user", [m.model_copy(update=bare) for m in messages if m.role != "tool" and m.content]),
        sample=rollout.number - 1,
    )


def user_notes(blueprint: Blueprint, domain: Domain) -> dict[str, Any]:
    """All that the simulated user knows of the matter. A detail that it is to withhold stands in no other place. The
    part is the same for what is granted, forbidden or has no tool: which of them it is, nobody tells it."""
    known = [(name, text) for name, text in profile(domain, blueprint.user) if not _tells_any(text, blueprint.withheld)]
    return {
        "service": domain.service,
        "instruction": blueprint.instruction,
        "profile": [f"{name.replace('_', ' ')}: {text}" for name, text in known],
        "part": PARTS.get(blueprint.kind, ASK_ALL),
        "withheld": list(blueprint.withheld),
    }


def _tells_any(text: str, details: Sequence[str]) -> bool:
    return any(mentions(text, detail) or mentions(detail, text) for detail in details)


def known_to_user(notes: Mapping[str, Any]) -> str:
    """The text of a user's notes, to tell what it has from there and what it makes up."""
    return " ".join([notes["service"], notes["instruction"], *notes["profile"]])


def agent_question(rollout: Rollout, domain: Domain, messages: Sequence[Message]) -> Question:
    """What the agent sees: policy, tools and the conversation with its calls and results. Never the instruction, the
    groundtruth actions or the expected outputs."""
    return Question(
        id=f"{rollout.id}/agent/{len(messages)}",
        role="agent",
        prompt="agent",
        context={"policy": policy_for(rollout.blueprint, domain)},
        messages=_seen_by("assistant", messages),
        tools=offered_tools(rollout.blueprint, domain),
        sample=rollout.number - 1,
    )


def _seen_by(role: str, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages as this role knows them: nobody sees another's thoughts."""
    hidden = {"thoughts": ""}
    return tuple(m.model_copy(update=hidden) if m.thoughts and m.role != role else m for m in messages)


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
