"""What a conversation says so far, as the scripted agent reads it, and what could be looked up next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...records import Message, ToolCall
from ...world.values import PARAMETER_PREFIXES, facts, fits, produced_key
from .. import Question
from . import grammar
from .grammar import (
    Language,
    Query,
    Topic,
    Unknown,
    Wish,
    by_name,
    hands_over,
    identifies,
    is_reading,
    means_user,
    properties,
    required,
    words,
)
from .references import Notes
from .user import Slips

READS_A_REQUEST = 16
CALLS_A_MESSAGE = 4
Request = Wish | Query | Topic | Unknown


def tool_call(name: str, arguments: dict[str, Any]) -> ToolCall:
    """A call as the agent makes it: ids are given when it is run."""
    return ToolCall(id="", name=name, arguments=arguments)


class DialogueState:
    """Requests, told details, calls made and facts found."""

    def __init__(self, question: Question, language: Language, dice: Slips) -> None:
        self.language, self.dice = language, dice
        self.messages = question.messages
        self.policy_text = str(question.context["policy"])
        self.policy = " ".join(self.policy_text.split())
        self.schemas = by_name(question.tools)
        self.together = bool(re.search(r"\bcalls\b[^.]*\btogether in one message\b", self.policy))
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
                self._read_user(turn, message.content)
            for call in message.tool_calls:
                self.calls.append((turn, call, results[call.id]))
                if not results[call.id].error:
                    self.notes.add(call, results[call.id].content, produced_key(call.name))
        if self.notes.user is None and not any(map(identifies, self.schemas.values())):
            self.notes.user = self.told.get("id")  # nothing but the user's word tells who the user is

    def _read_user(self, turn: int, text: str) -> None:
        writing = [s for name, s in self.schemas.items() if not is_reading(s) and not hands_over(name)]
        for sentence in grammar.sentences(text):
            if grammar.CHANGED in sentence:
                self.dropped = len(self.requests)
            self.told.update(grammar.identity(sentence))
            clause = grammar.wanted(sentence)
            wish = (self.language.understand(clause, writing) or Unknown(clause)) if clause else None
            if request := grammar.topic(sentence) or grammar.query(sentence) or wish:
                self.requests.append((turn, request))
            if detail := re.fullmatch(r"The ([a-z0-9 ]+?) is (.+?)\.?", sentence):
                self._detail(*detail.groups())

    def _detail(self, name: str, said: str) -> None:
        """A detail belongs to the last wish that takes one of this name and does not have it yet."""
        for _, request in reversed(self.requests):
            if isinstance(request, Wish):
                slot = next((p for p in properties(self.schemas[request.tool]) if words(p) == name), "")
                if slot and slot not in request.said:
                    request.said[slot] = said
                    return

    def names(self, arguments: dict[str, Any]) -> list[str]:
        """The texts in the arguments of a call, without who the user is."""
        texts = (fact.value for fact in facts(arguments) if isinstance(fact.value, str))
        return [text for text in dict.fromkeys(texts) if text != self.notes.user]

    def since(self, turn: int) -> int:
        """How many calls have been made since."""
        return sum(made > turn for made, _, _ in self.calls)

    def made(self, name: str, arguments: dict[str, Any]) -> bool:
        """Whether this call has been made."""
        return any(call.name == name and call.arguments == arguments for _, call, _ in self.calls)

    def reads(self, turn: int, mentions: list[str], needed: list[str]) -> list[ToolCall]:
        """The next reads that could help: first of what was named, which is always looked at once; then, while
        something is still needed, of what hangs on it, then of the rest. Tools that brought nothing of the kind are not
        tried again."""
        if self.since(turn) >= READS_A_REQUEST:
            return []
        slots = [parameter.replace(" ", "_") for parameter in needed]
        brought = self.notes.keys.items() if needed else ()
        useless = {name for name, keys in brought if not any(fits(slot, key) for slot in slots for key in keys)}
        asked = [value for _, call, _ in self.calls for value in (call.arguments or {}).values()]
        near = {*self.notes.hanging(mentions), self.notes.user}
        ranked: dict[tuple[int, bool, int, str], list[ToolCall]] = {}  # of equal ones, who the user is comes first
        for name, schema in self.schemas.items():
            if name in useless or not is_reading(schema) or identifies(schema) or len(required(schema)) != 1:
                continue
            (parameter,) = required(schema)
            rest = set(name.split("_")[1:]) - set(words(parameter).removesuffix(" id").split())
            for value, rank in self._values(parameter, mentions, near):
                helps = needed or (rank == 0 and value not in asked)
                if helps and not self.made(name, {parameter: value}):
                    ranked.setdefault((rank, not means_user(parameter), len(rest), name), []).append(
                        tool_call(name, {parameter: value})
                    )
        return ranked[min(ranked)][: self.most] if ranked else []

    def pricing(self, turn: int, arguments: dict[str, Any]) -> list[ToolCall]:
        """The next read that could tell what a call costs or brings, where the call names no amount itself: by a tool
        that says it shows things of a kind which the call names and no result has priced."""
        named, found = self.names(arguments), list(facts(arguments))
        numbers = any(isinstance(fact.value, int | float) and not isinstance(fact.value, bool) for fact in found)
        if numbers or self.since(turn) >= READS_A_REQUEST:
            return []
        for fact in (fact for fact in found if fact.value in named and not self.notes.has_price(fact.value, named)):
            kind = words(PARAMETER_PREFIXES.sub("", fact.key)).removesuffix(" id")
            for name, schema in self.schemas.items():
                shows = re.search(rf"\b{re.escape(kind)}s?\b", schema["function"]["description"].lower())
                if not shows or not is_reading(schema) or identifies(schema) or len(required(schema)) != 1:
                    continue
                (parameter,) = required(schema)
                about = [fact.value] if parameter == fact.key else self._telling(parameter, fact.value, named)
                if calls := [tool_call(name, {parameter: v}) for v in about if not self.made(name, {parameter: v})]:
                    return calls[: self.most]
        return []

    def _telling(self, parameter: str, thing: str, named: list[str]) -> list[str]:
        """The ids of another kind by which a thing may be looked up: the user's, those that lie in it, where nothing is
        known of it the one with its number (P-210 for sku-210-05), and those that lie in what is named beside it. What
        belongs to users is not guessed at."""
        user = self.notes.user or ""
        if means_user(parameter):
            return [user] if user else []
        known = {known.fact.value for known in self.notes.fitting(parameter) if isinstance(known.fact.value, str)}
        number, of_user = re.search(r"\d+", thing), self.notes.inside([user])
        alike = {_shape(value).replace("0", number[0]) for value in known if number and _shape(value).count("0") == 1}
        guessed = sorted(alike & known if known & {*of_user} or not of_user else alike)
        within = [value for value in self.notes.inside([thing]) if value in known]
        if within or (guessed and not self.notes.rows(thing)):
            return within or guessed
        return [value for value in (*named, *self.notes.inside(named)) if value in known]

    def _values(self, parameter: str, mentions: list[str], near: set[str | None]) -> Iterator[tuple[str, int]]:
        """The values that a parameter could have: 0 for what was named, 1 for what stands beside that, 2 for others."""
        if not parameter.endswith("_id"):
            return
        known = {k.fact.value for k in self.notes.fitting(parameter) if isinstance(k.fact.value, str)}
        if means_user(parameter) and self.notes.user:
            known.add(self.notes.user)
        # What was named counts when it has the shape of an id of this kind, or was told as one.
        shapes = {_shape(value) for value in known}
        wishes = [wish.said for _, wish in self.requests if isinstance(wish, Wish)]
        told = {value for said in wishes for name, value in said.items() if fits(name, parameter)}
        named = {mention for mention in mentions if re.fullmatch(r"\S*\d\S*", mention)}
        for value in sorted(known | {mention for mention in named if mention in told or _shape(mention) in shapes}):
            yield value, 0 if value in named else 1 if value in near else 2


def _shape(id: str) -> str:
    return re.sub(r"\d+", "0", id)
