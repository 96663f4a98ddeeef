"""The best-of-N user (paper §3.2): several messages are drawn, a critic scores them, the best one is sent.

The paper's critic sees the description and one candidate; ours sees the dialogue and all candidates at once, because a
premature stop and a repetition show in nothing else. What code can see it marks down itself: words said before, an id
or a figure that the user cannot know, a detail told before it was asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from ..facts import fold, tells
from ..records import STOP, Answer, Candidate, Message, Question, Usage
from . import Model, Unparsable, ask, read_json

PENALTY = 3.0  # points that each flaw costs, of the critic's 0–10


class _Score(BaseModel):
    candidate: int = Field(ge=1, description="number of the candidate")
    score: float = Field(ge=0, le=10)
    reason: str = ""


class _Reply(BaseModel):
    """The JSON a critic is asked for."""

    scores: list[_Score]


REPLY = _Reply.model_json_schema()
_TOKEN = re.compile(r"[\w#@+./-]*\d[\w#@+./-]*")  # ids, dates, amounts, postal codes, mail addresses with a figure
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")


def invented(text: str, known: str) -> list[str]:
    """The ids, figures and mail addresses of a text that do not occur in what is known, as they are written. Small
    counts ("two of them", "1 minute") are speech and no facts."""
    there = fold(known)
    found = dict.fromkeys(token.strip("./-") for token in [*_MAIL.findall(text), *_TOKEN.findall(text)])
    return [token for token in found if len(token) > 2 and fold(token) not in there and not tells(known, token)]


def flaws(text: str, question: Question) -> Iterator[str]:
    """What code can find wrong with a user's message, given the question that the user answers."""
    mine = [fold(message.content) for message in question.messages if message.role == "user"]
    heard = [message.content for message in question.messages if message.role == "assistant"]
    if STOP not in text and fold(text) in mine:
        yield "repeats an earlier message"
    if more := invented(text, " ".join([str(question.context.get("instruction", "")), *heard, *mine])):
        yield f"invents {', '.join(more[:3])}"
    asked = any("?" in text for text in heard) and bool(mine)
    for detail in question.context.get("withheld", ()):
        if not asked and tells(text, str(detail)):
            yield f"tells {detail} before it was asked for"


@dataclass(frozen=True)
class BestOf:
    """A model for the role of the user that asks `user` for `n` candidates and sends the best in the eyes of `critic`.

    Without usable scores the candidate with the fewest flaws is sent; a candidate is never preferred because it stops.
    The answer keeps all candidates and which was chosen."""

    user: Model
    critic: Model
    n: int

    async def __call__(self, question: Question) -> Answer:
        samples = range(question.sample * self.n, (question.sample + 1) * self.n)
        asked = (ask(self.user, question.model_copy(update={"sample": sample})) for sample in samples)
        answers = await asyncio.gather(*asked)
        usable = {a.text.strip(): a for a in answers if not a.error and a.text.strip()}
        if not usable:
            return answers[0].model_copy(update={"usage": Usage()})
        texts = list(usable)
        scores = await self._scores(question, texts) if len(texts) > 1 else {}
        candidates = tuple(
            Candidate(
                text=text,
                score=scores[number].score if number in scores else None,
                reason=scores[number].reason[:500] if number in scores else "",
                flaws=tuple(flaws(text, question)),
            )
            for number, text in enumerate(texts, 1)
        )
        chosen = max(range(len(candidates)), key=lambda place: (*_worth(candidates[place]), -place))
        # Their tokens were counted when they were asked for.
        return Answer(text=candidates[chosen].text, candidates=candidates, chosen=chosen, usage=Usage())

    async def _scores(self, question: Question, texts: Sequence[str]) -> dict[int, _Score]:
        """Number → score for each candidate, or nothing when the critic did not score all of them."""
        asked = Question(
            id=f"{question.id}/critic",
            role="critic",
            prompt="critic",
            context=critic_context(question, texts),
            reply=REPLY,
            sample=question.sample,
        )
        try:
            reply = _Reply.model_validate(read_json(await ask(self.critic, asked)))
        except (Unparsable, ValidationError):
            return {}
        scores = {score.candidate: score for score in reply.scores}
        return scores if set(scores) == set(range(1, len(texts) + 1)) else {}


def _worth(candidate: Candidate) -> tuple[float, bool]:
    return (candidate.score or 0.0) - PENALTY * len(candidate.flaws), STOP not in candidate.text


def critic_context(question: Question, texts: Sequence[str]) -> dict[str, Any]:
    """What the critic sees: what the user sees, the dialogue, and the candidates."""
    return {**question.context, "dialogue": dialogue(question.messages), "candidates": list(texts)}


def dialogue(messages: Sequence[Message]) -> list[str]:
    """A conversation as lines of text, tool results left out."""
    return [f"{message.role}: {message.content}" for message in messages if message.role != "tool" and message.content]
