"""What every record is made of: the types and names that stages share, canonical JSON, and actions and changes."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

Role = Literal["generator", "judge", "feedback", "user", "critic", "agent"]
Metric = Literal["correctness", "completeness", "satisfaction", "creativity"]
Kind = Literal[
    "plain",
    "missing detail",  # the agent must ask for what the user holds back and nobody can look up
    "forbidden",  # the policy or a tool refuses a wish: the agent declines or hands over, nothing changes
    "missing tool",  # the tool for a wish was taken away: the agent says so
    "change of mind",  # the user drops the first wish for another before it is carried out
    "tool error",  # the first call of a tool fails once: the agent tries again
    "no tool",  # small talk and a question that the policy answers: no call but those that identify the user
    "parallel calls",  # independent writes, made in one message
]
Behaviour = Literal["cooperative", "terse", "impatient", "rambling", "forgetful"]
Level = Literal["easy", "medium", "hard"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
LEVELS: tuple[Level, ...] = get_args(Level)
STOP = "###STOP###"  # what a simulated user says when its goal is met
NO_ANSWER = "no answer"  # kind of the verdict on what could not be finished since a model gave none
METRICS: tuple[Metric, ...] = get_args(Metric)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def canonical(value: Any) -> str:
    """JSON text that is equal exactly when the values are: sorted keys, no spaces, `1` and `1.0` told apart."""
    return _CANONICAL.encode(value)


def sha(value: Any, length: int = 16) -> str:
    """The first `length` hex digits of the SHA-256 of `canonical(value)`."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]


class Record(BaseModel):
    """A frozen, typed value; `line()` is its one JSON line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> str:
        """This record as one line of JSON, without the newline."""
        # Text of a model may hold lone surrogates, which no UTF-8 file can: they are written as escapes.
        return json.dumps(self.model_dump(), ensure_ascii=True, separators=(",", ":"))


class Action(Record):
    """One tool call, parameter → JSON value: what the groundtruth consists of."""

    name: str
    arguments: dict[str, Any] = {}

    def __str__(self) -> str:
        arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.arguments.items())
        return f"{self.name}({', '.join(arguments)})"


class Change(Record):
    """One row of a diff. `before` is None for a new row, `after` is None for a deleted one."""

    table: str
    id: str
    before: Any = None
    after: Any = None


class Usage(Record):
    """Tokens of one or more model calls. `calls` counts answered requests, `cached` is part of `prompt`."""

    calls: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})
