"""The scripted user: knows its instruction, how it comes across and the dialogue, and nothing else."""

from __future__ import annotations

import re
from typing import Any, Protocol

from ...records import STOP
from .. import Answer, Question
from . import grammar
from .grammar import Language, wanted

# behaviour → how likely a detail that can be left for later is told at once, and what is said besides
TELLS = {"cooperative": 0.7, "terse": 0.3, "impatient": 0.8, "rambling": 0.8, "forgetful": 0.4}
BESIDES = {
    "impatient": ("Please be quick about it.", "I do not have all day.", "This has taken long enough already."),
    "rambling": (
        "My neighbour says that this never takes long.",
        "Yesterday was such a long day.",
        "Your company has changed a lot over the years.",
    ),
}
CHAT = ("How are you today?", "Is it as warm where you are?", "I hope that your week has been a good one.")


class Slips(Protocol):
    def slips(self, mistake: str, about: str = "") -> bool: ...
    def draw(self, about: str) -> Any: ...


def answer_as_user(question: Question, language: Language, dice: Slips) -> Answer:
    """The user's next message: voice a wish, answer what was asked, confirm, or stop."""
    return Answer(text=_SimulatedUser(question, language, dice).next_message())


class _SimulatedUser:
    def __init__(self, question: Question, language: Language, dice: Slips) -> None:
        self.language, self.dice, context = language, dice, question.context
        self.behaviour, self.withheld = str(context["behaviour"]), list(map(str, context["withheld"]))
        self.instruction = grammar.sentences(str(context["instruction"]))
        asks = list(filter(grammar.asks, self.instruction))
        stops_early = len(asks) > 1 and dice.slips("user stops before the last wish")
        self.requests = asks[:-1] if stops_early else asks
        self.own_messages = [message.content for message in question.messages if message.role == "user"]
        self.last_message = question.messages[-1].content if question.messages else ""
        self.voiced = sum(text.count("I want to ") for text in self.own_messages)
        self.promised = any(grammar.HAND_OVER in m.content for m in question.messages if m.role == "assistant")
        self.together = grammar.TOGETHER in self.instruction

    def next_message(self) -> str:
        """The next message."""
        if not self.own_messages:
            return self._opening()
        if "could you tell me your" in self.last_message:
            return self._aside(self._me() or "I have no more to say about me.")
        dropped = any(map(grammar.is_dropped, self.requests[: self.voiced][-1:]))
        if dropped and not self.dice.slips("user does not say that it changed its mind"):
            following = self.requests[self.voiced : self.voiced + 1]
            return " ".join([f"No, {grammar.CHANGED}", *map(self._voice, following)])
        asked = re.search(r"[Cc]ould you tell me the (.+?)\?", self.last_message)
        if asked and self.requests:
            return self._detail(asked.group(1))
        if "(yes/no)" in self.last_message:
            return "Yes." if self.behaviour == "terse" else "Yes, please go ahead."
        if self.voiced < len(self.requests):
            return self._aside(self._voice(self.requests[self.voiced]))
        if self.promised and grammar.THAT_IS_ALL not in self.own_messages:
            return grammar.THAT_IS_ALL
        return f"Thank you, that is all. {STOP}"

    def _opening(self) -> str:
        if not self.requests:
            return f"Hello. {STOP}"
        if grammar.CHAT in self.instruction and self.dice.draw("chats").random() < 0.7:
            return f"Hello! {self.dice.draw('chat').choice(CHAT)}"
        together = [request for request in self.requests if wanted(request)] if self.together else []
        wishes = " ".join(map(self._voice, together or self.requests[:1]))
        if self.behaviour == "terse":
            return wishes
        introduces = self.dice.draw("introduces").random() < 0.5 and not all(map(grammar.topic, self.requests))
        return self._aside(f"Hello.{f' {self._me()}' if introduces else ''} {wishes}")

    def _aside(self, text: str) -> str:
        """A message with what somebody of this behaviour says besides."""
        more = self.dice.draw(f"besides/{len(self.own_messages)}")
        besides = BESIDES.get(self.behaviour)
        return f"{more.choice(besides)} {text}" if besides and more.random() < 0.6 else text

    def _me(self) -> str:
        """Who the user is, in the first person."""
        said = filter(grammar.identity, self.instruction)
        return " ".join(re.sub(r"\byour\b", "my", re.sub(r"^Your\b", "My", sentence)) for sentence in said)

    def _voice(self, request: str) -> str:
        """A wish in the first person; some details come only when they are asked for."""
        clause = wanted(request)
        if clause is None:
            return request.replace("You want to", "I want to", 1)
        head, parts = self.language.parts(clause)
        later = self.dice.draw(f"later/{clause}")
        kept = [text for _, mention, text in parts if self._tells(mention, later.random())]
        said = head + "".join(kept)
        if kept and kept[0].startswith("; "):
            said = f"{head}: {''.join(kept)[2:]}"
        return f"I want to {said}."

    def _tells(self, mention: str, chance: float) -> bool:
        if any(detail in mention for detail in self.withheld):
            return self.dice.slips("user tells what it should hold back")
        # who has a number at hand says it; without it nobody would know what is meant
        return self.together or bool(re.search(r"\d", mention)) or chance < TELLS.get(self.behaviour, 0.7)

    def _detail(self, asked: str) -> str:
        """The answer to "could you tell me the order id and the reason?", from the wishes that are being talked of."""
        voiced = self.requests[max(self.voiced, 1) - 1 :: -1]
        slots = asked.removesuffix(" for that").split(" and the ")
        told = {slot: next(filter(None, (self._mention(slot, request) for request in voiced)), "") for slot in slots}
        found = [f"The {slot} is {mention}." for slot, mention in told.items() if mention]
        if not found or self.dice.slips("user holds a detail back", asked):
            return "I am sorry, I do not know that."
        return " ".join(["Let me see.", *found] if self.behaviour == "forgetful" else found)

    def _mention(self, slot: str, request: str) -> str:
        """How a request says a detail; without the tools its name is known only as the beginning of its words."""
        _, parts = self.language.parts(wanted(request) or "")
        for name, mention, _ in parts:
            if name == slot:
                return mention
            if name.startswith(f"{slot} "):
                return name.removeprefix(f"{slot} ")
        return ""
