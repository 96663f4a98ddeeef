"""A conversation again: what was said is taken as it is, the calls are made anew in a fresh world."""

from __future__ import annotations

from collections.abc import Iterable

from ..models.call_ids import with_ids
from ..records import STOP, Blueprint, Message, Verdict
from ..world.domain import Domain
from ..world.world import World, run_tool_call
from .converse import AFTER_TRANSFER
from .dialogue import Dialogue
from .rollout import rollout_world


def replay(blueprint: Blueprint, domain: Domain, messages: Iterable[Message]) -> tuple[World, tuple[Message, ...]]:
    """The world that the calls of these messages leave, and the messages with the results that they have there; results
    among the given ones are left out, calls get ids where they have none of their own. ToolBug where a tool breaks."""
    world, said = rollout_world(blueprint, domain), list[Message]()
    for message in messages:
        if message.role != "tool":
            calls = with_ids(message.tool_calls, said)
            said.append(message.model_copy(update={"tool_calls": calls}))
            said += [run_tool_call(world, call) for call in calls]
    return world, tuple(said)


def ending(dialogue: Dialogue) -> Verdict:
    """Whether the user ended the conversation, or a call handed it over and none came after that."""
    over, messages = dialogue.handed_over, dialogue.messages
    if over is not None and any(call.turn > over for call in dialogue.calls):
        return Verdict(gate="ended", passed=False, kind="agent_error", reason=AFTER_TRANSFER)
    if over is not None or (messages and messages[-1].role == "user" and STOP in messages[-1].content):
        return Verdict(gate="ended", passed=True)
    told = f"the user did not end it with {STOP}, and nobody handed over"
    return Verdict(gate="ended", passed=False, kind="max_steps", reason=told)
