"""What the kind of a blueprint does to the conversation: the world, the tools and the policy that the agent gets."""

from __future__ import annotations

from typing import Any

from ..records import Blueprint
from ..world.domain import Domain
from ..world.world import World

TOGETHER = (
    "\n\n## Amendment for this conversation\n\nCalls of tools that do not depend on each other may be made together in "
    "one message, once the customer has confirmed all of them. This replaces every rule above of one call at a time.\n"
)


def removed(blueprint: Blueprint) -> frozenset[str]:
    """The tools that are taken away: those of the wishes, where the kind is a missing tool."""
    return frozenset(a.name for a in blueprint.denied) if blueprint.kind == "missing tool" else frozenset()


def failing(blueprint: Blueprint) -> frozenset[str]:
    """The tool whose first call fails: that of the first action, where the kind is a tool error."""
    first = blueprint.actions[:1] if blueprint.kind == "tool error" else ()
    return frozenset(action.name for action in first)


def world(blueprint: Blueprint, domain: Domain) -> World:
    """A fresh world for a conversation about this blueprint."""
    return domain.world(removed(blueprint), failing(blueprint))


def tools(blueprint: Blueprint, domain: Domain) -> tuple[dict[str, Any], ...]:
    """The tools that the agent is offered, in the OpenAI function format."""
    gone = removed(blueprint)
    return tuple(s for s in domain.schemas if s["function"]["name"] not in gone) if gone else domain.schemas


def policy(blueprint: Blueprint, domain: Domain) -> str:
    """The policy that the agent reads. Policies that ask for one call at a time are amended where the kind asks for
    calls in one message."""
    return domain.policy + TOGETHER if blueprint.kind == "parallel calls" else domain.policy
