"""What a quirk is, and the ways to play one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Played = tuple[int, Any] | None
Plays = Callable[[dict[str, Any], int], Played]
POISON = "a question that is refused"
CUT = 2050


@dataclass(frozen=True)
class Quirk:
    """What a `server` `does`, what is `done` about it, and what plays it: `plays` answers in its place (of the
    request's body and how many came before), `message` and `call` stand on its messages and calls. It `ends` as
    answered (its thoughts are what it `thinks`), as of no use, the question's refusal, or with the stage; `lacks` and
    `has` are what the last request of the `kinds` of questions lacks and has, `words` what is said of it."""

    server: str
    does: str
    done: str
    plays: Plays
    ends: str = "answered"
    kinds: tuple[str, ...] = ("json", "agent", "text")
    options: dict[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    message: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, Any] | None = None
    words: str = ""
    thinks: str = ""
    long: bool = False

    @property
    def name(self) -> str:
        return f"{self.server}: {self.does}"

    @property
    def row(self) -> str:
        """Its line in the table of docs/servers.md."""
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in (self.server, self.does, self.done)) + " |"


def error(message: Any, **further: Any) -> dict[str, Any]:
    return {"error": {"message": message, **further}}


def poison(status: int, body: Any) -> Plays:
    """Refuse the question that holds poison."""
    return lambda sent, _: (status, body) if POISON in json.dumps(sent["messages"]) else None


def refuses(name: str, status: int, body: Any) -> Plays:
    """Refuse whatever has this parameter."""
    return lambda sent, _: (status, body) if name in sent else None


def at_first(status: int, body: Any, times: int = 1) -> Plays:
    return lambda _, before: (status, body) if before < times else None


def always(status: int, body: Any) -> Plays:
    return lambda _, __: (status, body)


def with_tools(status: int, body: Any) -> Plays:
    return refuses("tools", status, body)


def strict_format(status: int, body: Any) -> Plays:
    def plays(sent: dict[str, Any], _: int) -> Played:
        return (status, body) if sent.get("response_format", {}).get("json_schema", {}).get("strict") else None

    return plays


def own(sent: dict[str, Any]) -> list[dict[str, Any]]:
    return [message for message in sent["messages"] if message["role"] == "assistant"]


def within(name: str, status: int, body: Any) -> Plays:
    """Refuse a history in which one of the model's messages has this field."""
    return lambda sent, _: (status, body) if any(name in message for message in own(sent)) else None


def wants(name: str, value: Any, status: int, body: Any, calls: bool = False) -> Plays:
    """Refuse a history in which one of the model's messages, or of its calls, lacks what it came with."""

    def plays(sent: dict[str, Any], _: int) -> Played:
        holders = [call for m in own(sent) for call in m.get("tool_calls", ())] if calls else own(sent)
        return (status, body) if any(holder.get(name) != value for holder in holders) else None

    return plays


def whole(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def message_of(sent: dict[str, Any]) -> dict[str, Any]:
    """What a good model answers to a request."""
    if "response_format" in sent:
        return {"content": '{"a": 1}'}
    if "tools" in sent and sent["messages"][-1]["role"] != "tool":
        return {"content": None, "tool_calls": [CALL]}
    return {"content": "hello"}


def replies(change: Callable[[dict[str, Any]], dict[str, Any]], times: int = 99, **choice: Any) -> Plays:
    """Put the model's message, and how it ended, in another way."""

    def plays(sent: dict[str, Any], before: int) -> Played:
        message = {"role": "assistant", **change(message_of(sent))}
        ended = {"finish_reason": "stop", **choice}
        return (200, {"choices": [{"index": 0, "message": message, **ended}]}) if before < times else None

    return plays


def bytes_once(content: bytes) -> Plays:
    return lambda sent, _: (200, content) if "tools" not in sent and "response_format" not in sent else None


def stream(*parts: str, end: bool = True) -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]} for part in parts]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in (*chunks, *([last] if end else []))]
    return ": OPENROUTER PROCESSING\n\n".join(["", *events, *(["data: [DONE]\n\n"] if end else [])]).encode()


def pydantic(*loc: Any, msg: str = "Extra inputs are not permitted") -> list[dict[str, Any]]:
    return [{"type": "extra_forbidden", "loc": list(loc), "msg": msg, "input": POISON}]


CALL = {"id": "call_abc", "type": "function", "function": {"name": "look", "arguments": "{}"}}
THOUGHT = "Which loan is it?"
SIGNATURE = {"google": {"thought_signature": "AY89a18IwQsQ8in/+=="}}
DETAILS = [{"type": "reasoning.encrypted", "data": "gAAAAB", "id": "rs_1", "index": 0}]
BLOCKS = [{"type": "thinking", "thinking": "look it up", "signature": "EqQBCgIYAhIM"}]

DROPPED = "asked once more without it, and from then on"
REFUSED = "the question's: its item fails, the stage goes on"
STOPS = "stops the stage at once"
BACK = "sent back unchanged with the agent's own messages"
PLAIN = "asked without `response_format`; other schemas are still sent"
ASK = {"temperature": 0.7, "max_tokens": 64}
