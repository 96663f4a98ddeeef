"""The scripted agent: knows the policy, the tools and the conversation, and nothing else.

It keeps no state: each time it reads the conversation again, finds the first request that is still open, looks up what
it needs with reading tools, asks for what nobody can look up, has the call confirmed, and makes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ...facts import fits, produced_key
from ...records import Answer, Message, Question, ToolCall
from .language import (
    Language,
    Query,
    Schema,
    Wish,
    identifies,
    identity,
    is_reading,
    means_user,
    properties,
    query,
    required,
    say,
    sentences,
    wanted,
    words,
)
from .resolve import Notes, resolve
from .user import Slips

READS_A_REQUEST = 16
CALLS_A_MESSAGE = 4


def answer_as_agent(question: Question, language: Language, dice: Slips) -> Answer:
    """The agent's next message: text, or tool calls."""
    return _Reading(question, language, dice).next()


class _Reading:
    """What the conversation says so far."""

    def __init__(self, question: Question, language: Language, dice: Slips) -> None:
        self.language, self.dice = language, dice
        self.messages = question.messages
        self.schemas: dict[str, Schema] = {schema["function"]["name"]: schema for schema in question.tools}
        self.notes = Notes()
        self.told: dict[str, str] = {}
        self.requests: list[tuple[int, Wish | Query]] = []
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
        writing = [schema for schema in self.schemas.values() if not is_reading(schema)]
        for sentence in sentences(text):
            self.told.update(identity(sentence))
            asked, clause = query(sentence), wanted(sentence)
            wish = self.language.understand(clause, writing) if clause else None
            if asked or wish:
                self.requests.append((turn, asked or wish))  # type: ignore[arg-type]  # one of them is there
            detail = re.fullmatch(r"The ([a-z0-9 ]+?) is (.+?)\.?", sentence)
            if detail and self.requests and isinstance(self.requests[-1][1], Wish):
                self.requests[-1][1].said.setdefault(self._slot(self.requests[-1][1].tool, detail), detail.group(2))

    def _slot(self, tool: str, detail: re.Match[str]) -> str:
        return next((p for p in properties(self.schemas[tool]) if words(p) == detail.group(1)), detail.group(1))

    # -- what to do next

    def next(self) -> Answer:
        if self.messages[-1].role == "tool" and (report := self._report()):
            return Answer(text=report)
        who = self._identify()
        if who is not None:
            return who
        for number, (turn, request) in enumerate(self.requests):
            if not self._closed(number, turn, request):
                return self._query(turn, request) if isinstance(request, Query) else self._wish(number, turn, request)
        return Answer(text="Is there anything else I can do for you?")

    def _since(self, turn: int) -> list[tuple[ToolCall, Message]]:
        return [(call, result) for made, call, result in self.calls if made > turn]

    def _closed(self, number: int, turn: int, request: Wish | Query) -> bool:
        later = self.requests[number + 1][0] if number + 1 < len(self.requests) else len(self.messages) + 1
        said = [m.content for m in self.messages[turn:later] if m.role == "assistant"]
        if isinstance(request, Query):
            return any(text.startswith((f"The {request.field} of", "I could not find")) for text in said)
        return any(text.startswith(("Done", "I am sorry")) for text in said)

    def _report(self) -> str:
        """What to say after a writing call: it is done, or why it was refused; nothing when it has to be repeated."""
        _, call, result = self.calls[-1]
        if is_reading(self.schemas[call.name]) or call.arguments is None:
            return ""
        if result.error:
            return f"I am sorry, that is not possible. {result.content.removeprefix('Error: ')} Is there anything else?"
        return "Done, your request has been carried out. Is there anything else I can do for you?"

    def _identify(self) -> Answer | None:
        """Find out who the user is, where there is a tool for that."""
        finders = [schema for schema in self.schemas.values() if identifies(schema)]
        names = {schema["function"]["name"] for schema in finders}
        if not finders or any(call.name in names and not result.error for _, call, result in self.calls):
            return None
        for schema in finders:
            arguments = {p: self.told[words(p)] for p in required(schema) if words(p) in self.told}
            call = (schema["function"]["name"], arguments)
            if len(arguments) == len(required(schema)) and not self._made(*call):
                return self._call([call])
        if not self.requests and not self.told:
            return Answer(text="Hello! How can I help you?")
        ways = ", or your ".join(" and ".join(words(p) for p in required(s)) for s in finders)
        return Answer(text=f"To find your account, could you tell me your {ways}?")

    def _wish(self, number: int, turn: int, wish: Wish) -> Answer:
        schema = self.schemas[wish.tool]
        mentioned = [p for p in required(schema) if p in wish.said]
        arguments, open_ = self._resolve(number, wish, schema)
        missing = [p for p in open_ if p not in wish.said and not means_user(p)]
        reads = self._reads(turn, [wish.said[p] for p in mentioned], [p for p in open_ if p not in missing])
        if reads:
            return self._call(reads)
        if missing:
            ask = f"Could you tell me the {' and the '.join(words(p) for p in missing)} for that?"
            if not any(m.content == ask for m in self.messages[turn:]):
                return Answer(text=ask)
        if open_:
            return Answer(text=f"I am sorry, I cannot find what you mean by {words(open_[0])}. Is there anything else?")
        said = {p: say(v) for p, v in arguments.items() if not means_user(p)}
        confirm = f"I am going to {self.language.clause(schema, said)}. Shall I go ahead (yes/no)?"
        asked = next((n for n, m in enumerate(self.messages[turn:], turn) if m.content == confirm), None)
        if asked is None:
            return Answer(text=confirm)
        if not self.messages[asked + 1].content.lower().startswith("yes"):
            return Answer(text="I am sorry, then I leave it as it is. Is there anything else?")
        if self.dice.slips("agent sends arguments that are not JSON", str(number)) and not self._since(asked):
            raw = json.dumps(arguments)[:-1]
            return Answer(tool_calls=(ToolCall(id="call", name=wish.tool, arguments=None, raw=raw),))
        return self._call([(wish.tool, arguments)])

    def _resolve(self, number: int, wish: Wish, schema: Schema) -> tuple[dict[str, Any], list[str]]:
        """The arguments that are known by now, and the names of those that are not."""
        arguments: dict[str, Any] = {}
        open_: list[str] = []
        for parameter, spec in properties(schema).items():
            if means_user(parameter):
                value = self.notes.user
            elif parameter in wish.said:
                value = resolve(parameter, spec, wish.said[parameter], self.notes, arguments)
            elif parameter not in required(schema):
                continue
            else:
                value = None
            if value is None:
                open_.append(parameter)
                continue
            arguments[parameter] = value
        doubtful = [p for p in arguments if p.endswith(("_id", "_ids")) and not means_user(p)]
        if doubtful and self.dice.slips("agent picks the wrong one", str(number)):
            wrong = doubtful[-1]
            arguments[wrong] = self.notes.another(wrong, arguments.pop(wrong), arguments)
        return {name: arguments[name] for name in properties(schema) if name in arguments}, open_

    def _query(self, turn: int, asked: Query) -> Answer:
        value = self.notes.look_up(asked.field, asked.thing)
        reads = self._reads(turn, [asked.thing], [asked.field])
        if reads and (value is None or not self._since(turn)):
            return self._call(reads)
        if value is None:
            return Answer(text=f"I could not find the {asked.field} of {asked.thing}. Is there anything else?")
        thing = "your account" if asked.thing == "my account" else asked.thing
        return Answer(text=f"The {asked.field} of {thing} is {say(value)}. Is there anything else I can do for you?")

    # -- reading

    def _made(self, name: str, arguments: dict[str, Any]) -> bool:
        return any(call.name == name and call.arguments == arguments for _, call, _ in self.calls)

    def _reads(self, turn: int, mentions: list[str], needed: list[str]) -> list[tuple[str, dict[str, Any]]]:
        """The next reads that could help: first of what was named, which is always looked at once; then, while
        something is still needed, of what hangs on it, then of the rest. Tools that brought nothing of the kind are not
        tried again."""
        if len(self._since(turn)) >= READS_A_REQUEST:
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
                    if (rank == 0 or needed) and name not in useless and not self._made(name, {parameter: value}):
                        rest = set(name.split("_")[1:]) - set(words(parameter).removesuffix(" id").split())
                        ranked.setdefault((rank, len(rest), name), []).append((name, {parameter: value}))
        return ranked[min(ranked)][:CALLS_A_MESSAGE] if ranked else []

    def _useless(self, needed: list[str]) -> set[str]:
        """Reading tools whose results so far held nothing that could fill what is needed."""
        keys: dict[str, set[str]] = {}
        for _, call, result in self.calls:
            if not result.error:
                keys.setdefault(call.name, set()).update(self.notes.keys(call))
        if not needed:
            return set()
        return {
            name for name, found in keys.items() if not any(fits(p, k) or words(k) == p for p in needed for k in found)
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

    def _call(self, calls: list[tuple[str, dict[str, Any]]]) -> Answer:
        return Answer(
            tool_calls=tuple(ToolCall(id="call", name=name, arguments=arguments) for name, arguments in calls)
        )
