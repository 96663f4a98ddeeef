"""Users and agents written by hand, for tests of whatever holds conversations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from apigen_nb.models import Answer, Question
from apigen_nb.models.chat_format import templates
from apigen_nb.records import Action, ToolCall, Usage

STOP = "###STOP###"


def context_of(*prompts: str, says: str) -> dict[str, Any]:
    """The context of a question with any of these prompts: what it is rendered from, all of it the same text."""
    return dict.fromkeys(
        (name for prompt in prompts for part in templates(prompt) for name in part.get_identifiers()), says
    )


def does(*actions: Action | ToolCall, text: str = "") -> Answer:
    """An agent's message with tool calls, all with the same id, as small models write them."""
    calls = (a if isinstance(a, ToolCall) else ToolCall(id="x", name=a.name, arguments=a.arguments) for a in actions)
    return Answer(text=text, tool_calls=tuple(calls))


class Role:
    """Plays its turns one after the other, the last one for ever, and keeps the questions."""

    def __init__(self, *turns: str | Answer) -> None:
        self.turns, self.asked = turns, list[Question]()

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        turn = self.turns[min(len(self.asked), len(self.turns)) - 1]
        return turn if isinstance(turn, Answer) else Answer(text=turn)


Means = Mapping[str, tuple[str, str]]  # kind of a question of meaning → its right answer, and the words that prove it


# an agent that promises and invents nothing, insults nobody and keeps its secrets
KEPT: Means = {"promise": ("none", ""), "figure": ("none", "")}


class Reader:
    """A judge that answers questions of meaning from a table, and what it has not there with "unclear"; of the agent's
    manners it has nothing to say. It keeps the questions. With an answer that needs no quotation it gives the turn
    `bare`, as models fill in every field; who is to blame it does not know."""

    def __init__(self, means: Means, bare: int = 0) -> None:
        self.means, self.bare, self.asked = {**KEPT, **means}, bare, list[Question]()

    async def __call__(self, question: Question) -> Answer:
        if question.prompt == "blame":
            return Answer(text="Who knows?", usage=Usage(calls=1))
        assert (question.role, question.prompt) == ("judge", "reading")
        self.asked.append(question)
        answer, quotation = self.means.get(question.context["kind"], ("unclear", ""))
        turn = said_in(question, quotation) if quotation else self.bare
        return Answer(text=reading(answer, turn, quotation), usage=Usage(calls=1))

    @property
    def kinds(self) -> list[str]:
        """What was asked for, but for the agent's manners."""
        return [question.context["kind"] for question in self.asked if question.context["kind"] not in KEPT]


def reading(answer: str, turn: int = -1, quotation: str = "") -> str:
    """A judge's reply to a question of meaning."""
    return json.dumps({"turn": turn, "quotation": quotation, "answer": answer}, ensure_ascii=False)


def said_in(question: Question, words: str) -> int:
    """The last message of the passage in which the speaker that is asked about says these words; -1 for none."""
    speaker = question.context["speaker"]
    said = (re.match(rf"(\d+) {speaker}: (.*)", line, re.DOTALL) for line in reversed(question.context["passage"]))
    return next((int(found[1]) for found in said if found and words in found[2]), -1)
