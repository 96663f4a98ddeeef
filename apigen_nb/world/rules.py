"""What the policy of a domain asks, as code: rules over single calls, rules over a whole conversation, and flags."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..records import Action, Message
from .tool import DomainError
from .world import Database


@dataclass(frozen=True)
class Step:
    """One executed action of a blueprint as a rule sees it: the call, the database before and after it, its result,
    the user it is done for, and the steps before it."""

    action: Action
    before: Database
    after: Database
    result: Any
    user: str
    earlier: tuple[Step, ...] = ()

    @property
    def name(self) -> str:
        return self.action.name

    @property
    def arguments(self) -> dict[str, Any]:
        return self.action.arguments


@dataclass(frozen=True)
class Rule:
    """A rule of the policy: `holds(step)` is False when the step breaks it; `text` is the message. It binds `tools`."""

    name: str
    text: str
    tools: tuple[str, ...]
    holds: Callable[[Step], bool] = field(compare=False)


def rule(*tools: str) -> Callable[[Callable[[Step], bool]], Rule]:
    """Mark a predicate of `rules.py` as a rule that binds these tools; its docstring is what people and models read."""

    def mark(function: Callable[[Step], bool]) -> Rule:
        if not tools:
            raise DomainError(f"rule {function.__name__} binds no tool; name them: @rule('cancel_order')")
        return Rule(function.__name__, _message(function), tools, function)

    return mark


@dataclass(frozen=True)
class Conduct:
    """What a policy asks of how the agent goes about its work, in a domain's `rules.py`: `CONDUCT = Conduct(...)`.

    `identify_first`: whom it serves is found out by a tool before any other call that touches data; `by_told_id`: or
    the user tells its id. `confirm_writes`: what will be written is said, and agreed to, before; `announce_amounts`:
    with what it costs or brings. `one_call_at_a_time`, and `no_text_beside_calls`: what is called and what is said
    stand in messages of their own."""

    identify_first: bool = True
    by_told_id: bool = False
    confirm_writes: bool = True
    one_call_at_a_time: bool = True
    no_text_beside_calls: bool = True
    announce_amounts: bool = True


@dataclass(frozen=True)
class Trace:
    """A whole conversation as a rule over it sees it: the messages, the writes that were carried out, each with the
    index of the message that made it, and the user whom it serves."""

    messages: tuple[Message, ...]
    steps: tuple[tuple[int, Step], ...]
    user: str


@dataclass(frozen=True)
class TraceRule:
    """A rule over a whole conversation: `breaks(trace)` gives the indices of the messages that break it; `text` is the
    message."""

    name: str
    text: str
    breaks: Callable[[Trace], Iterable[int]] = field(compare=False)


def trace_rule(function: Callable[[Trace], Iterable[int]]) -> TraceRule:
    """Mark a function of `rules.py` as a rule over whole conversations: it gives the indices of the messages that break
    it, none where it holds. Its docstring is what people read."""
    return TraceRule(function.__name__, _message(function), function)


def _message(function: Callable[..., Any]) -> str:
    text = " ".join((function.__doc__ or "").split())
    if not text:
        raise DomainError(f"rule {function.__name__} has no docstring; a rule's docstring is its message")
    return text
