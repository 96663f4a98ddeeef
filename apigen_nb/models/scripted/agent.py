"""The scripted agent: knows the policy, the tools and the conversation, and nothing else.

It keeps no state: each time it reads the conversation again, finds the first request that is still open, looks up what
it needs with reading tools, asks for what nobody can look up, has the call confirmed, and makes it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...records import ToolCall
from .. import Answer, Question
from .dialogue_state import DialogueState, Request, tool_call
from .grammar import (
    HAND_OVER,
    Language,
    Query,
    Schema,
    Topic,
    Unknown,
    Wish,
    hands_over,
    identifies,
    is_reading,
    means_user,
    passages,
    properties,
    required,
    say,
    words,
)
from .policy_reading import costs, forbids, wrong_state
from .references import resolve
from .user import Slips

TOGETHER = "Done, all of your"
ELSE, MORE = "Is there anything else?", "Is there anything else I can do for you?"
WHO = "To find your account"
ASKED_WHO = 3  # times; who does not say then cannot be served
HANDS_OVER = 0.5  # how often the agent thinks of a person where the policy lets it hand over
_FOR_WANT_OF_A_TOOL = re.compile(r"when no tool can do|cannot be handled within", re.IGNORECASE)
_WHEN_REFUSED = re.compile(r"cannot be handled within", re.IGNORECASE)


def _ends(request: Request) -> tuple[str, ...]:
    """How the message begins that answers such a request."""
    if isinstance(request, Query):
        return ("The ", "I could not find")
    return ("Our policy says", "I am sorry, our policy") if isinstance(request, Topic) else ("Done", "I am sorry")


def answer_as_agent(question: Question, language: Language, dice: Slips) -> Answer:
    """The agent's next message: text, or tool calls."""
    said = _Agent(question, language, dice).next_step()
    if isinstance(said, str):
        return Answer(text=said)
    return Answer(tool_calls=tuple(said))


class _Agent(DialogueState):
    """Decides on the next step: a text, or calls."""

    def next_step(self) -> str | list[ToolCall]:
        if any(hands_over(call.name) and not result.error for _, call, result in self.calls):
            return self._goodbye()
        if self.messages[-1].role == "tool" and (report := self._report()):
            return report
        open_ = [(number, *self.requests[number]) for number in self._open()]
        first = open_[0] if open_ else None
        if who := self._identify():
            return who
        if first is None:
            promised = next((n for n, m in enumerate(self.messages) if HAND_OVER in m.content), None)
            return self._hand_over(promised) if promised else MORE
        number, turn, request = first
        if isinstance(request, Topic):
            looks_up = self.dice.slips("agent looks up what it need not", str(number))
            return (looks_up and self.reads(turn, [self.notes.user or ""], [])) or self._topic(request)
        if isinstance(request, Unknown):
            return f"I am sorry, I have no tool for that. {self._else(_FOR_WANT_OF_A_TOOL)}"
        if isinstance(request, Query):
            return self._query(turn, request)
        wishes = [(n, wish) for n, t, wish in open_ if t == turn and isinstance(wish, Wish)]
        return self._wishes(turn, wishes if self.together else [(number, request)])

    def _else(self, case: re.Pattern[str]) -> str:
        """The question for further wishes; it promises to hand over where the policy has a person see to such a case,
        and the agent thinks of it."""
        able = any(map(hands_over, self.schemas)) and case.search(self.policy)
        promises = able and self.dice.draw("hands over").random() < HANDS_OVER
        return f"Is there anything else {HAND_OVER}?" if promises else ELSE

    def _hand_over(self, promised: int) -> list[ToolCall]:
        """The call that hands over, with the wish that was declined when it was promised."""
        name = next(filter(hands_over, self.schemas))
        wishes = [r for turn, r in self.requests if turn < promised and isinstance(r, Wish | Unknown)]
        wish = wishes[-1].clause if wishes else "be served by a person"
        return [tool_call(name, dict.fromkeys(required(self.schemas[name]), f"The customer wants to {wish}."))]

    def _goodbye(self) -> str:
        """The last message, after handing over: the policy may say how it reads."""
        wanted = re.search(r"send the message '([^']+)'", self.policy)
        return wanted.group(1) if wanted else "A person takes over from here."

    def _open(self) -> list[int]:
        """The numbers of the requests that are not answered yet. Requests of one message are answered one by one,
        except writes that are made together."""
        open_ = []
        turns = [turn for turn, _ in self.requests]
        for number, (turn, request) in enumerate(self.requests):
            later = min((t for t in turns if t > turn), default=len(self.messages) + 1)
            said = [m.content for m in self.messages[turn:later] if m.role == "assistant" and m.content]
            mine = [r for t, r in self.requests[:number] if t == turn and _ends(r) == _ends(request)]
            ends = [text for text in said if text.startswith(_ends(request))]
            done = any(text.startswith(TOGETHER) for text in said) and isinstance(request, Wish)
            if number >= self.dropped and not done and len(ends) <= len(mine):
                open_.append(number)
        return open_

    def _report(self) -> str:
        """What to say after writing calls: they are done, or why one was refused; nothing when it has to be
        repeated."""
        turn = self.calls[-1][0]
        last = [(call, result) for made, call, result in self.calls if made == turn]
        writes = [(call, result) for call, result in last if not is_reading(self.schemas[call.name])]
        if not writes or any(call.arguments is None for call, _ in writes):
            return ""
        refused = [result.content for _, result in writes if result.error]
        if not refused:
            done = f"{TOGETHER} requests have" if len(writes) > 1 else "Done, your request has"
            return f"{done} been carried out. {MORE}"
        if all("try again" in text for text in refused) and not self.dice.slips("agent gives up after an error"):
            return ""
        why = refused[0].removeprefix("Error: ")
        return f"I am sorry, that is not possible. {why} {self._else(_WHEN_REFUSED)}"

    def _identify(self) -> str | list[ToolCall] | None:
        """Find out who the user is, by a tool where there is one for that, else by the id that the user tells."""
        finders = {name: required(schema) for name, schema in self.schemas.items() if identifies(schema)}
        found = any(call.name in finders and not result.error for _, call, result in self.calls)
        if found or (self.notes.user and not finders):
            return None
        for name, asked in finders.items():
            arguments = {p: self.told[words(p)] for p in asked if words(p) in self.told}
            if len(arguments) == len(asked) and not self.made(name, arguments):
                return [tool_call(name, arguments)]
        by_id = not finders and any(means_user(p) for schema in self.schemas.values() for p in required(schema))
        if not (finders or by_id):
            return None
        if not self.requests and not self.told:
            return "Hello! How can I help you?"
        if sum(message.content.startswith(WHO) for message in self.messages) >= ASKED_WHO:
            return f"I am sorry, without knowing who you are I can do nothing. {ELSE}"
        ways = ", or your ".join(" and ".join(map(words, asked)) for asked in finders.values())
        return f"{WHO}, could you tell me your {ways or 'id'}?"

    def _topic(self, asked: Topic) -> str:
        """What the policy says of it."""
        passage = passages(self.policy_text).get(asked.name.lower())
        if passage is None:
            return f"I am sorry, our policy says nothing about that. {ELSE}"
        return f"Our policy says: {passage}. {MORE}"

    def _query(self, turn: int, asked: Query) -> str | list[ToolCall]:
        """The answer to a question, or the reads that it needs."""
        value = self.notes.look_up(asked.field, asked.thing)
        reads = self.reads(turn, [asked.thing], [asked.field])
        if reads and (value is None or not self.since(turn)):
            return reads
        if value is None:
            return f"I could not find the {asked.field} of {asked.thing}. {ELSE}"
        thing = "your account" if asked.thing == "my account" else asked.thing
        return f"The {asked.field} of {thing} is {say(value)}. {MORE}"

    def _wishes(self, turn: int, wishes: list[tuple[int, Wish]]) -> str | list[ToolCall]:
        """The next step towards the calls that one wish, or several together, ask for: look up, ask, confirm, call."""
        calls, clauses = [], []
        for number, wish in wishes:
            schema = self.schemas[wish.tool]
            arguments, open_ = self._resolve(number, wish, schema)
            if step := self._missing(turn, wish, schema, open_):
                return step
            if why := self._forbidden(number, schema, arguments):
                return f"I am sorry, that is not allowed. {why}. {ELSE}"
            mentions = self.names(arguments) or [self.notes.user or ""]
            if reads := self.reads(turn, mentions, []) or self.pricing(turn, arguments):
                return reads
            calls.append(tool_call(wish.tool, arguments))
            clauses.append(self.language.exactly(schema, arguments))
        confirm = f"I am going to {', and to '.join(clauses)}.{self._particulars(calls)} Shall I go ahead (yes/no)?"
        asked = next((n for n, m in enumerate(self.messages[turn:], turn) if m.content == confirm), None)
        if asked is None:
            return confirm
        if not self.messages[asked + 1].content.lower().startswith("yes"):
            return f"I am sorry, then I leave it as it is. {ELSE}"
        return self._confirmed(wishes[0][0], calls, first=not self.since(asked))

    def _forbidden(self, number: int, schema: Schema, arguments: dict[str, Any]) -> str:
        """What speaks against a call, as far as policy, results so far and the agent's care let it be seen."""
        if self.dice.slips("agent leaves it to the tool what is forbidden", str(number)):
            return ""
        rows = [row for value in self.names(arguments) for row in self.notes.rows(value)]
        said = forbids(self.policy_text, schema, arguments, rows)
        return f"Our policy says: {said}" if said else wrong_state(self.policy_text, schema, rows)

    def _particulars(self, calls: list[ToolCall]) -> str:
        """What the things that calls name are, with the amounts that are known of them, of the user what a call that
        names nothing is about, and what the policy has such calls cost or give."""
        named = [self.names(call.arguments or {}) for call in calls]
        about = {
            thing: text
            for names in named
            for thing in self.notes.spoken_of(names)
            if (text := self.notes.particulars(thing, names))
        }
        told = [f"{name} ({text})" for name, text in about.items()]
        mine = [self.notes.of_user(call.name) for call, names in zip(calls, named, strict=True) if not names]
        told += dict.fromkeys(filter(None, mine))
        sure = f" To be sure: {'; '.join(told)}." if told else ""
        rows = [row for names in named for name in names for row in self.notes.rows(name)]
        prices = dict.fromkeys(p for call in calls for p in costs(self.policy_text, self.schemas[call.name], rows))
        return "".join([sure, *(f" Our policy says: {price}." for price in prices)])

    def _confirmed(self, number: int, calls: list[ToolCall], first: bool) -> list[ToolCall]:
        """The calls that the user has agreed to, as carelessly as they are made."""
        if first and self.dice.slips("agent sends arguments that are not JSON", str(number)):
            return [calls[0].model_copy(update={"arguments": None, "raw": json.dumps(calls[0].arguments)[:-1]})]
        one = len(calls) > 1 and self.dice.slips("agent makes one call at a time", str(number))
        return calls[:1] if one else calls

    def _missing(self, turn: int, wish: Wish, schema: Schema, open_: list[str]) -> str | list[ToolCall] | None:
        """The read or the question that a wish still needs."""
        missing = [p for p in open_ if p not in wish.said and not means_user(p)]
        mentioned = [self.notes.user or "", *(wish.said[p] for p in required(schema) if p in wish.said)]
        if reads := self.reads(turn, mentioned, [p for p in open_ if p not in missing]):
            return reads
        ask = f"Could you tell me the {' and the '.join(map(words, missing))} for that?"
        if missing and not any(m.content == ask for m in self.messages[turn:]):
            return ask
        return f"I am sorry, I cannot find what you mean by {words(open_[0])}. {ELSE}" if open_ else None

    def _resolve(self, number: int, wish: Wish, schema: Schema) -> tuple[dict[str, Any], list[str]]:
        """The arguments that are known by now, and the names of those that are not."""
        known: dict[str, Any] = {}
        open_ = []
        for parameter, spec in properties(schema).items():
            value = self.notes.user if means_user(parameter) else None
            if value is None and parameter in wish.said:
                value = resolve(parameter, spec, wish.said[parameter], self.notes, known)
            if value is not None:
                known[parameter] = value
            elif parameter in wish.said or parameter in required(schema) or means_user(parameter):
                open_.append(parameter)
        doubtful = [p for p in known if p.endswith(("_id", "_ids")) and not means_user(p)]
        if doubtful and self.dice.slips("agent picks the wrong one", str(number)):
            wrong = doubtful[-1]
            rest = {parameter: value for parameter, value in known.items() if parameter != wrong}
            known[wrong] = self.notes.another(wrong, known[wrong], rest)
        return known, open_
