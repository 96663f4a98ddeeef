"""What a conversation says so far, as the scripted agent reads it, and what could be looked up next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...records import Message, Question, ToolCall
from ...world.values import fits, produced_key
from .grammar import (
    CHANGED,
    Language,
    Query,
    Schema,
    Topic,
    Unknown,
    Wish,
    hands_over,
    identifies,
    identity,
    is_reading,
    means_user,
    properties,
    query,
    required,
    sentences,
    topic,
    wanted,
    words,
)
from .references import Notes
from .user import Slips

READS_A_REQUEST = 16
CALLS_A_MESSAGE = 4
Request = Wish | Query | Topic | Unknown


class Heard:
    """Requests, told details, calls made and facts found."""

    def __init__(self, question: Question, language: Language, dice: Slips) -> None:
        self.language, self.dice = language, dice
        self.messages = question.messages
        self.policy = str(question.context["policy"])
        self.schemas: dict[str, Schema] = {schema["function"]["name"]: schema for schema in question.tools}
        self.together = "made together in one message" in " ".join(self.policy.split())
        single = re.search(r"\bone (tool )?call at a time", self.policy, re.IGNORECASE)
        self.most = 1 if single and not self.together else CALLS_A_MESSAGE
        self.notes = Notes()
        self.told: dict[str, str] = {}
        self.requests: list[tuple[int, Request]] = []
        self.dropped = 0  # so many of the first requests are not wanted any more
        self.calls: list[tuple[int, ToolCall, Message]] = []
        results = {m.tool_call_id: m for m in self.messages if m.role == "tool"}
        for turn, message in enumerate(self.messages):
            if message.role == "user":
                self._hear(turn, message.content)
            for call in message.tool_calls:
                self.calls.append((turn, call, results[call.id]))
                if not results[call.id].error:
                    self.notes.add(call, results[call.id].content, produced_key(call.name))

    def _hear(self, turn: int, text: str) -> None:
        writing = [s for name, s in self.schemas.items() if not is_reading(s) and not hands_over(name)]
        for sentence in sentences(text):
            if CHANGED in sentence:
                self.dropped = len(self.requests)
            self.told.update(identity(sentence))
            clause = wanted(sentence)
            wish = (self.language.understand(clause, writing) or Unknown(clause)) if clause else None
            request = topic(sentence) or query(sentence) or wish
            if request:
                self.requests.append((turn, request))
            detail = re.fullmatch(r"The ([a-z0-9 ]+?) is (.+?)\.?", sentence)
            if detail:
                self._detail(detail)

    def _detail(self, detail: re.Match[str]) -> None:
        """A detail belongs to the last wish that takes one of this name and does not have it yet."""
        for _, request in reversed(self.requests):
            if isinstance(request, Wish):
                slot = next((p for p in properties(self.schemas[request.tool]) if words(p) == detail.group(1)), "")
                if slot and slot not in request.said:
                    request.said[slot] = detail.group(2)
                    return

    def since(self, turn: int) -> list[tuple[ToolCall, Message]]:
        return [(call, result) for made, call, result in self.calls if made > turn]

    def made(self, name: str, arguments: dict[str, Any]) -> bool:
        return any(call.name == name and call.arguments == arguments for _, call, _ in self.calls)

    def reads(self, turn: int, mentions: list[str], needed: list[str]) -> list[tuple[str, dict[str, Any]]]:
        """The next reads that could help: first of what was named, which is always looked at once; then, while
        something is still needed, of what hangs on it, then of the rest. Tools that brought nothing of the kind are not
        tried again."""
        if len(self.since(turn)) >= READS_A_REQUEST:
            return []
        useless, hanging = self._useless(needed), self.notes.hanging(mentions)
        ranked: dict[tuple[int, int, str], list[tuple[str, dict[str, Any]]]] = {}
        for name, schema in self.schemas.items():
            if is_reading(schema) and not identifies(schema) and len(required(schema)) == 1:
                parameter = required(schema)[0]
                for value, rank in self._values(parameter, mentions, hanging):
                    seen = any(value in (call.arguments or {}).values() for _, call, _ in self.calls)
                    if rank == 0 and seen and not needed:
                        continue
                    if (rank == 0 or needed) and name not in useless and not self.made(name, {parameter: value}):
                        rest = set(name.split("_")[1:]) - set(words(parameter).removesuffix(" id").split())
                        ranked.setdefault((rank, len(rest), name), []).append((name, {parameter: value}))
        return ranked[min(ranked)][: self.most] if ranked else []

    def _useless(self, needed: list[str]) -> set[str]:
        """Reading tools whose results so far held nothing that could fill what is needed."""
        keys: dict[str, set[str]] = {}
        for _, call, result in self.calls:
            if not result.error:
                keys.setdefault(call.name, set()).update(self.notes.keys(call))
        if not needed:
            return set()
        return {
            name for name, found in keys.items() if not any(fits(p.replace(" ", "_"), k) for p in needed for k in found)
        }

    def _values(self, parameter: str, mentions: list[str], hanging: set[Any]) -> Iterator[tuple[Any, int]]:
        if not parameter.endswith("_id"):
            return
        known = {
            k.fact.value for k in self.notes.found if fits(parameter, k.fact.key) and isinstance(k.fact.value, str)
        }
        named = {mention for mention in mentions if re.fullmatch(r"\S*\d\S*", mention)}
        if means_user(parameter):
            known |= {self.notes.user} if self.notes.user else set()
        for value in sorted(known | {n for n in named if self._looks_like(n, known)}):
            yield value, 0 if value in named else 1 if value in hanging or value == self.notes.user else 2

    @staticmethod
    def _looks_like(value: str, known: set[str]) -> bool:
        """Whether an id that was named has the shape of the known ids of this kind."""
        shape = re.sub(r"\d+", "0", value)
        return any(re.sub(r"\d+", "0", other) == shape for other in known)
