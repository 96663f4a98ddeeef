"""The scripted agent: knows the policy, the tools and the conversation, and nothing else.

It keeps no state: each time it reads the conversation again, finds the first request that is still open, looks up what
it needs with reading tools, asks for what nobody can look up, has the call confirmed, and makes it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...records import Answer, Question, ToolCall
from .dialogue_state import Heard, Request
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
from .references import resolve
from .user import Slips

TOGETHER = "Done, all of your"
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
    return _Agent(question, language, dice).next()


class _Agent(Heard):
    """Decides on the next step."""

    def next(self) -> Answer:
        if any(hands_over(call.name) and not result.error for _, call, result in self.calls):
            return Answer(text=self._goodbye())
        if self.messages[-1].role == "tool" and (report := self._report()):
            return Answer(text=report)
        open_ = [(number, *self.requests[number]) for number in self._open()]
        for number, _, request in open_[:1]:
            if isinstance(request, Topic) and not self.dice.slips("agent looks up what it need not", str(number)):
                return self._topic(request)
        who = self._identify()
        if who is not None:
            return who
        for number, turn, request in open_:
            if isinstance(request, Topic):
                return self._topic(request)
            if isinstance(request, Unknown):
                return Answer(text=f"I am sorry, I have no tool for that. {self._else(_FOR_WANT_OF_A_TOOL)}")
            if isinstance(request, Query):
                return self._query(turn, request)
            wishes = [(n, wish) for n, t, wish in open_ if t == turn and isinstance(wish, Wish)]
            return self._wishes(turn, wishes if self.together else [(number, request)])
        promised = next((n for n, m in enumerate(self.messages) if HAND_OVER in m.content), None)
        return self._hand_over(promised) if promised else Answer(text="Is there anything else I can do for you?")

    def _else(self, case: re.Pattern[str]) -> str:
        """The question for further wishes; it promises to hand over where the policy has a person see to such a case,
        and the agent thinks of it."""
        able = any(map(hands_over, self.schemas)) and case.search(" ".join(self.policy.split()))
        promises = able and self.dice.draw("hands over").random() < HANDS_OVER
        return f"Is there anything else {HAND_OVER}?" if promises else "Is there anything else?"

    def _hand_over(self, promised: int) -> Answer:
        """The call that hands over, with the wish that was declined when it was promised."""
        name = next(filter(hands_over, self.schemas))
        wishes = [r for turn, r in self.requests if turn < promised and isinstance(r, Wish | Unknown)]
        wish = wishes[-1] if wishes else Unknown("be served by a person")
        summary = f"The customer wants to {wish.clause if isinstance(wish, Unknown) else wish.head}."
        return self._call([(name, dict.fromkeys(required(self.schemas[name]), summary))])

    def _goodbye(self) -> str:
        """The last message, after handing over: the policy may say how it reads."""
        wanted = re.search(r"send the message '([^']+)'", " ".join(self.policy.split()))
        return wanted.group(1) if wanted else "A person takes over from here. Goodbye."

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
        if not refused and len(writes) > 1:
            return f"{TOGETHER} requests have been carried out. Is there anything else I can do for you?"
        if not refused:
            return "Done, your request has been carried out. Is there anything else I can do for you?"
        if all("try again" in text for text in refused) and not self.dice.slips("agent gives up after an error"):
            return ""
        why = refused[0].removeprefix("Error: ")
        return f"I am sorry, that is not possible. {why} {self._else(_WHEN_REFUSED)}"

    def _identify(self) -> Answer | None:
        """Find out who the user is, where there is a tool for that."""
        finders = [schema for schema in self.schemas.values() if identifies(schema)]
        names = {schema["function"]["name"] for schema in finders}
        if not finders or any(call.name in names and not result.error for _, call, result in self.calls):
            return None
        for schema in finders:
            arguments = {p: self.told[words(p)] for p in required(schema) if words(p) in self.told}
            call = (schema["function"]["name"], arguments)
            if len(arguments) == len(required(schema)) and not self.made(*call):
                return self._call([call])
        if not self.requests and not self.told:
            return Answer(text="Hello! How can I help you?")
        ways = ", or your ".join(" and ".join(words(p) for p in required(s)) for s in finders)
        return Answer(text=f"To find your account, could you tell me your {ways}?")

    def _topic(self, asked: Topic) -> Answer:
        """What the policy says of it."""
        passage = passages(self.policy).get(asked.name.lower())
        if passage is None:
            return Answer(text="I am sorry, our policy says nothing about that. Is there anything else?")
        return Answer(text=f"Our policy says: {passage}. Is there anything else I can do for you?")

    def _wishes(self, turn: int, wishes: list[tuple[int, Wish]]) -> Answer:
        """The next step towards the calls that one wish, or several together, ask for: look up, ask, confirm, call."""
        calls, clauses = [], []
        for number, wish in wishes:
            schema = self.schemas[wish.tool]
            arguments, open_ = self._resolve(number, wish, schema)
            if step := self._missing(turn, wish, schema, open_):
                return step
            calls.append((wish.tool, arguments))
            said = {p: say(v) for p, v in arguments.items() if not means_user(p)}
            clauses.append(self.language.clause(schema, said))
        confirm = f"I am going to {', and to '.join(clauses)}. Shall I go ahead (yes/no)?"
        asked = next((n for n, m in enumerate(self.messages[turn:], turn) if m.content == confirm), None)
        if asked is None:
            return Answer(text=confirm)
        if not self.messages[asked + 1].content.lower().startswith("yes"):
            return Answer(text="I am sorry, then I leave it as it is. Is there anything else?")
        number, name, arguments = wishes[0][0], *calls[0]
        if self.dice.slips("agent sends arguments that are not JSON", str(number)) and not self.since(asked):
            raw = json.dumps(arguments)[:-1]
            return Answer(tool_calls=(ToolCall(id="call", name=name, arguments=None, raw=raw),))
        if len(calls) > 1 and self.dice.slips("agent makes one call at a time", str(number)):
            return self._call(calls[:1])
        return self._call(calls)

    def _missing(self, turn: int, wish: Wish, schema: Schema, open_: list[str]) -> Answer | None:
        """The read or the question that a wish still needs."""
        missing = [p for p in open_ if p not in wish.said and not means_user(p)]
        mentioned = [wish.said[p] for p in required(schema) if p in wish.said]
        reads = self.reads(turn, mentioned, [p for p in open_ if p not in missing])
        if reads:
            return self._call(reads)
        if missing:
            ask = f"Could you tell me the {' and the '.join(words(p) for p in missing)} for that?"
            if not any(m.content == ask for m in self.messages[turn:]):
                return Answer(text=ask)
        if open_:
            return Answer(text=f"I am sorry, I cannot find what you mean by {words(open_[0])}. Is there anything else?")
        return None

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
        reads = self.reads(turn, [asked.thing], [asked.field])
        if reads and (value is None or not self.since(turn)):
            return self._call(reads)
        if value is None:
            return Answer(text=f"I could not find the {asked.field} of {asked.thing}. Is there anything else?")
        thing = "your account" if asked.thing == "my account" else asked.thing
        return Answer(text=f"The {asked.field} of {thing} is {say(value)}. Is there anything else I can do for you?")

    def _call(self, calls: list[tuple[str, dict[str, Any]]]) -> Answer:
        return Answer(
            tool_calls=tuple(ToolCall(id="call", name=name, arguments=arguments) for name, arguments in calls)
        )
