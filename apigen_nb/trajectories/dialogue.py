"""A conversation as its checks read it: who told what when, and which calls were carried out."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..blueprints.gates.execution import Execution, execute, run_actions
from ..blueprints.gates.kind import same_call
from ..records import Action, Blueprint, Message
from ..world.domain import Domain, Step
from ..world.references import Reader
from ..world.world import UNAVAILABLE, Refusal


class Call(NamedTuple):
    """A tool call of the agent: the turn that made it, what it was (`readable` when its arguments were a JSON object),
    and the turn and message of its result; None where it was never run."""

    turn: int
    action: Action
    readable: bool
    answered: int
    result: Message | None

    @property
    def done(self) -> bool:
        """Whether the tool did it."""
        return self.result is not None and not self.result.error

    @property
    def unavailable(self) -> bool:
        """Whether it failed as the first call of a tool error does."""
        return self.result is not None and self.result.error and UNAVAILABLE in self.result.content

    @property
    def refused(self) -> bool:
        """Whether the tool refused it for what it was."""
        return self.result is not None and self.result.error and not self.unavailable


@dataclass(frozen=True, eq=False)
class Dialogue:
    """The messages of one attempt at a blueprint. A turn is the index of a message."""

    blueprint: Blueprint
    messages: Sequence[Message]
    domain: Domain

    @property
    def last(self) -> int:
        """The last turn; 0 where nothing was said."""
        return max(len(self.messages) - 1, 0)

    def turns(self, role: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, Message]]:
        """The turns of a role from `start` up to `end`, which is not among them."""
        return ((n, m) for n, m in enumerate(self.messages[start:end], start) if m.role == role)

    def last_of(self, role: str, end: int | None = None) -> int:
        """The last turn of a role before `end`; 0 where there is none."""
        return max((turn for turn, _ in self.turns(role, end=end)), default=0)

    @property
    def reader(self) -> Reader:
        """Reads what the user says in this world."""
        return Reader(self.domain, self.blueprint.user)

    def tells(self, text: str, value: object) -> bool:
        """Whether a text tells a value in this world."""
        return self.reader.told(value, text)

    def first_mention(self, *values: object, role: str = "user") -> int | None:
        """The first turn in which the user, or another role, tells one of these values."""
        told = ((turn, message.content) for turn, message in self.turns(role))
        return next((turn for turn, text in told if any(self.tells(text, value) for value in values)), None)

    @functools.cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls, in the order in which they were made."""
        results = {message.tool_call_id: (turn, message) for turn, message in self.turns("tool")}
        return tuple(
            Call(
                turn,
                Action(name=call.name, arguments=call.arguments or {}),
                call.arguments is not None,
                *results.get(call.id, (turn, None)),
            )
            for turn, message in enumerate(self.messages)
            for call in message.tool_calls
        )

    @functools.cached_property
    def writes(self) -> tuple[Call, ...]:
        """The writing calls that were carried out."""
        tools = self.domain.tools
        return tuple(
            c for c in self.calls if c.done and c.readable and c.action.name in tools and tools[c.action.name].writes
        )

    def confirmed(self) -> Iterator[tuple[Call, int, int]]:
        """Writes that the agent announced and the user confirmed just before: the call, the turn of the announcement
        and that of the consent."""
        for call in self.writes:
            consent = self.last_of("user", end=call.turn)
            said = self.messages[consent - 1] if consent > 1 else None
            if said is not None and said.role == "assistant" and said.content and not said.tool_calls:
                yield call, consent - 1, consent

    @functools.cached_property
    def groundtruth(self) -> Execution:
        """What the groundtruth actions do in a fresh world."""
        return execute(self.blueprint, self.domain)

    @functools.cached_property
    def replayed(self) -> tuple[Step | Refusal, ...]:
        """What each of the writes does when they are made again in a fresh world, one after the other."""
        made, wished = [call.action for call in self.writes], self.blueprint.actions
        if len(made) == len(wished) and not self.groundtruth.refused and all(map(same_call, made, wished)):
            return self.groundtruth.steps
        ran = run_actions(self.domain.world(), made, self.blueprint.user)
        return tuple(step for _, _, step in ran)

    @functools.cached_property
    def handed_over(self) -> int | None:
        """The turn in which the agent handed over to a human, if it did."""
        tools = self.domain.tools
        return next(
            (c.turn for c in self.calls if c.done and c.action.name in tools and tools[c.action.name].ends), None
        )
