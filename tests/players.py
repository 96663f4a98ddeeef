"""Users and agents written by hand, for tests of whatever holds conversations."""

from __future__ import annotations

from apigen_nb.models import Answer, Question
from apigen_nb.records import Action, ToolCall

STOP = "###STOP###"


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
