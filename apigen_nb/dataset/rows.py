"""A row: one conversation as it is trained on, with all that it can be split, filtered, compared and proven by."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ..models.call_ids import call_id
from ..records import Behaviour, Blueprint, Change, Kind, Level, Message, Record, ToolCall, Trajectory
from ..world.world import UNAVAILABLE


class Tokens(Record):
    """Tokens of a row by part, as `token_counter` counts; `trained` are those of `conversation` that loss is on."""

    system: int = 0
    tools: int = 0
    conversation: int = 0
    trained: int = 0


class Scores(Record):
    """What is known of how good a row is, and how hard; None where nobody knows. See `scores.py`."""

    score: float | None = None  # 0 to 1: the mean of the known parts of conduct, reads, drafts, agreement
    conduct: float | None = None  # share of the agent's replies that no check of conduct marks, needless reads aside
    wasted_reads: float | None = None  # share of the reads that were repeated or of which nothing was used
    drafts: float | None = None  # attempts that the blueprint took until it was accepted
    agreement: float | None = None  # share of the judges' answers, on task and conversation, that most judges gave
    difficulty: float | None = None  # writes × facts to look up
    attempts: float | None = None  # decided conversations about the blueprint until one was verified
    pass_rate: float | None = None  # share of the decided conversations about the blueprint that were verified


class About(Record):
    """All that a row holds beside its messages and tools. `task_id` is its blueprint's id; rows of one `group_id` share
    a task, a part of one, or a user, and belong into one split. `models` is role → model, `license` the id of one on
    the Hub, `cause` why the conversation failed, "" of a verified one."""

    id: str
    task_id: str
    group_id: str
    user: str
    domain: str
    kind: Kind
    behaviour: Behaviour
    level: Level
    split: str = "train"
    models: dict[str, str]
    scores: Scores = Scores()
    tokens: Tokens = Tokens()
    license: str = "unknown"
    cause: str = ""


class RowMessage(Record):
    """One message of a row. `name` is the tool's that a message of the role "tool" answers for; `train` says whether
    loss belongs on it: on replies of the agent, unless a tool refused a call of theirs or a check of conduct marks
    them."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    train: bool = False


class Row(About):
    """A conversation with the tools that were offered (OpenAI function format) and the task it is about: `delta` is
    what the groundtruth changes in the domain's data, `version` the fingerprint of the domain. Arguments of calls are
    objects always. The system prompt is the first message."""

    messages: tuple[RowMessage, ...]
    tools: tuple[dict[str, Any], ...]
    task: Blueprint
    delta: tuple[Change, ...]
    version: str

    @cached_property
    def about(self) -> dict[str, Any]:
        """The columns that every example made of this row has."""
        columns = self.model_dump(include=set(About.model_fields) - {"cause"})
        return {name: columns[name] for name in About.model_fields if name in columns}


@dataclass(frozen=True)
class TaskRows:
    """The rows of one task, in the order of their attempts; `failed` conversations beside the verified ones."""

    verified: tuple[Row, ...]
    failed: tuple[Row, ...] = ()


def trained_on(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages to train on: up to the last one of the agent, which has no open tool call. What the user says after
    it (the stop) teaches nothing."""
    last = max((n for n, m in enumerate(messages) if m.role == "assistant" and not m.tool_calls), default=-1)
    return tuple(messages[: last + 1])


def row_messages(messages: Sequence[Message], marked: frozenset[int] = frozenset()) -> tuple[RowMessage, ...]:
    """A conversation as rows hold it. Calls that were no JSON object are left out with their results: they changed
    nothing and teach nothing. Ids of calls are such as every chat template takes. `marked` are turns that loss does
    not belong on."""
    numbers, calls = itertools.count(1), dict[str, ToolCall]()
    kept, found = trained_on(messages), list[RowMessage]()
    refused = {m.tool_call_id for m in kept if m.role == "tool" and m.error and UNAVAILABLE not in m.content}
    for turn, message in enumerate(kept):
        new = {
            call.id: ToolCall(id=call_id(next(numbers)), name=call.name, arguments=call.arguments)
            for call in message.tool_calls
            if call.arguments is not None
        }
        calls |= new
        if message.role == "tool" and (made := calls.get(message.tool_call_id)):
            found.append(RowMessage(role="tool", content=message.content, tool_call_id=made.id, name=made.name))
        elif message.role != "tool" and (new or not message.tool_calls):
            train = message.role == "assistant" and turn not in marked and refused.isdisjoint(new)
            made_calls = tuple(new.values())
            found.append(RowMessage(role=message.role, content=message.content, tool_calls=made_calls, train=train))
    return tuple(found)


def unfit(messages: Sequence[Message]) -> str:
    """Why a conversation cannot be a row, whatever the format; "" where it can. A text that stands beside nothing but
    malformed calls would be the agent's second message in a row, which many chat templates refuse."""
    kept = trained_on(messages)
    if not kept:
        return "no reply to train on"
    if any(m.tool_calls and m.content and all(call.arguments is None for call in m.tool_calls) for m in kept):
        return "text beside a malformed call"
    text = "".join(_texts(kept))
    return "" if text.encode("utf-8", "replace").decode() == text else "text that is no UTF-8"


def _texts(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        yield message.content
        yield from (str(call.arguments) for call in message.tool_calls)


def marked_turns(trajectory: Trajectory, but: str = "") -> tuple[int, ...]:
    """The turns of the agent that a check of conduct marks, if only for a note, by another rule than `but`."""
    found = (finding for verdict in trajectory.verdicts if verdict.gate == "conduct" for finding in verdict.findings)
    turns = {finding.turn for finding in found if finding.rule != but}
    return tuple(turn for turn, m in enumerate(trajectory.messages) if turn in turns and m.role == "assistant")
