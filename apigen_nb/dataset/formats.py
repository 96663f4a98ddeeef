"""The formats of exported rows: OpenAI chat, and ShareGPT as APIGen-MT-5k uses it.

To add one: a function (trajectory, blueprint, domain) → row, an entry in `FORMATS`, whose key names its file, and a
field of that name in `export.Proof`, for the hash.

Known defects of the released rows are not repeated: arguments are always objects, no row ends on an observation, and
each row has a proof beside it (see `verify`). What a model thought stays in `trajectories.jsonl`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..models import Question
from ..models.call_ids import call_id
from ..models.chat_format import render
from ..records import Blueprint, Message, Trajectory
from ..trajectories.rollout import offered_tools, policy_for
from ..world.domain import Domain


def trained_on(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages to train on: up to the last one of the agent, which has no open tool call. What the user says after
    it (the stop) teaches nothing."""
    last = max((n for n, m in enumerate(messages) if m.role == "assistant" and not m.tool_calls), default=-1)
    return tuple(messages[: last + 1])


def _exported(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages to train on, their calls under ids that every chat template takes, in the order they were made."""
    numbers, ids = itertools.count(1), dict[str, str]()
    for message in trained_on(messages):
        if message.role == "tool":
            yield message.model_copy(update={"tool_call_id": ids[message.tool_call_id]})
        else:
            ids |= {call.id: call_id(next(numbers)) for call in message.tool_calls}
            calls = tuple(call.model_copy(update={"id": ids[call.id]}) for call in message.tool_calls)
            yield message.model_copy(update={"tool_calls": calls})


def _system_prompt(blueprint: Blueprint, domain: Domain) -> str:
    """The system prompt that the agent had."""
    context = {"policy": policy_for(blueprint, domain)}
    question = Question(id="system", role="agent", prompt="agent", context=context)
    return str(render(question)[0]["content"])


def _arguments(call: Any) -> str:
    # a call that was no JSON object is exported as it was made: the tool's error answers it
    return json.dumps(call.arguments, ensure_ascii=False) if call.arguments is not None else call.raw


def chat_row(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> dict[str, Any]:
    """OpenAI chat: `messages` and `tools`; arguments are JSON text, as that format has it."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": _system_prompt(blueprint, domain)}]
    for message in _exported(trajectory.messages):
        row: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            row["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call)}}
                for call in message.tool_calls
            ]
        if message.role == "tool":
            row["tool_call_id"] = message.tool_call_id
        messages.append(row)
    return {"messages": messages, "tools": list(offered_tools(blueprint, domain))}


def sharegpt_row(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> dict[str, Any]:
    """ShareGPT as APIGen-MT-5k: turns of human, gpt, function_call and observation; tools as JSON text. A message with
    several calls becomes a call and its observation each, in the order they ran."""
    turns: list[dict[str, str]] = []
    messages = list(_exported(trajectory.messages))
    results = {message.tool_call_id: message.content for message in messages if message.role == "tool"}
    for message in messages:
        if message.role == "user" or (message.role == "assistant" and message.content):
            turns.append({"from": "human" if message.role == "user" else "gpt", "value": message.content})
        for call in message.tool_calls:
            if call.arguments is not None:
                value = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
                turns += [{"from": "function_call", "value": value}, {"from": "observation", "value": results[call.id]}]
    functions = [schema["function"] for schema in offered_tools(blueprint, domain)]
    return {
        "conversations": turns,
        "tools": json.dumps(functions, ensure_ascii=False),
        "system": _system_prompt(blueprint, domain),
    }


FORMATS: dict[str, Callable[[Trajectory, Blueprint, Domain], dict[str, Any]]] = {
    "chat": chat_row,
    "sharegpt": sharegpt_row,
}
