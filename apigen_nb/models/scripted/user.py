"""The scripted user: knows its instruction and the dialogue, and nothing else."""

from __future__ import annotations

import re
from typing import Any, Protocol

from ...records import STOP, Answer, Question
from .language import Language, identity, query, sentences, wanted


class Slips(Protocol):
    def slips(self, mistake: str, about: str = "") -> bool: ...
    def draw(self, about: str) -> Any: ...


def answer_as_user(question: Question, language: Language, dice: Slips) -> Answer:
    """The user's next message: voice a wish, answer what was asked, confirm, or stop."""
    instruction = sentences(str(question.context["instruction"]))
    requests = [sentence for sentence in instruction if wanted(sentence) or query(sentence)]
    if len(requests) > 1 and dice.slips("user stops before the last wish"):
        requests = requests[:-1]
    mine = [message.content for message in question.messages if message.role == "user"]
    heard = question.messages[-1].content if question.messages else ""
    voiced = sum(text.count("I want to ") for text in mine)
    if not mine:
        who = f" {_me(instruction)}" if dice.draw("introduces").random() < 0.5 else ""
        return Answer(text=f"Hello.{who} {_voice(requests[0], language, dice)}" if requests else f"Hello. {STOP}")
    if "could you tell me your" in heard:
        return Answer(text=_me(instruction) or "I have no more to say about me.")
    asked = re.search(r"[Cc]ould you tell me the (.+?)\?", heard)
    if asked and requests:
        return Answer(text=_detail(asked.group(1), requests[max(voiced - 1, 0)], language, dice))
    if "(yes/no)" in heard:
        return Answer(text="Yes, please go ahead.")
    if voiced < len(requests):
        return Answer(text=_voice(requests[voiced], language, dice))
    return Answer(text=f"Thank you, that is all. {STOP}")


def _me(instruction: list[str]) -> str:
    """Who the user is, in the first person."""
    said = [sentence for sentence in instruction if identity(sentence)]
    return " ".join(re.sub(r"\byour\b", "my", re.sub(r"^Your\b", "My", sentence)) for sentence in said)


def _voice(request: str, language: Language, dice: Slips) -> str:
    """A wish in the first person; some details come only when they are asked for."""
    clause = wanted(request)
    if clause is None:
        return request.replace("You want to", "I want to", 1)
    head, parts = language.parts(clause)
    later = dice.draw(f"later/{clause}")
    kept = [text for _, _, text in parts if later.random() < 0.7]
    said = head + "".join(kept)
    if kept and kept[0].startswith("; "):
        said = f"{head}: {''.join(kept)[2:]}"
    return f"I want to {said}."


def _detail(asked: str, request: str, language: Language, dice: Slips) -> str:
    """The answer to "could you tell me the order id and the reason?", from the wish that is being talked about."""
    _, parts = language.parts(wanted(request) or "")
    found = []
    for slot in asked.removesuffix(" for that").split(" and the "):
        for name, mention, _ in parts:
            if name == slot:
                found.append(f"The {slot} is {mention}.")
            elif name.startswith(slot + " "):
                found.append(f"The {slot} is {name[len(slot) + 1 :]}.")
    if not found or dice.slips("user holds a detail back", asked):
        return "I am sorry, I do not know that."
    return " ".join(found)
